-- trigger_states: what is told of the triggers $ids, or of all, as of $p. Once tried again by hand, only what came since
-- counts for the state; of that an end beats what a late worker says. $id: the only one of them, if it is one.
with spoken as (
    select *
    from triggers
    where
        pos <= $p and ($id is null or trigger = $id)
        and ($ids::varchar[] is null or trigger in (select unnest($ids::varchar[])))
),
retried as (
    select trigger, max(pos) as since
    from spoken
    where act = 'retried'
    group by trigger
)
select
    trigger,
    arg_min(consumer, pos) as consumer,
    min(pos) as fired,
    arg_min(part, pos) as part,
    arg_min(depth, pos) filter (depth is not null) as depth,
    arg_min(actor, pos) filter (depth is not null and actor is not null) as actor,
    min(pos) filter (act = 'started' and pos > coalesce(since, 0)) as started,
    max(pos) filter (act in ('succeeded', 'exhausted', 'cancelled') and pos > coalesce(since, 0)) as ended,
    max(attempt) filter (pos > coalesce(since, 0)) as attempt,
    arg_max(duration, pos) filter (duration is not null) as duration,
    arg_max(worker, pos) filter (worker is not null) as worker,
    arg_max(error, pos) filter (error is not null) as error,
    coalesce(
        arg_max(act, pos) filter (act in ('succeeded', 'exhausted', 'cancelled') and pos > coalesce(since, 0)),
        replace(arg_max(act, pos) filter (act <> 'void'), 'retried', 'fired'),
        'void'
    ) as state
from spoken
left join retried using (trigger)
group by trigger
