-- trigger_rows: everything about the triggers $ids as of $p, the latest first.
-- with trigger_states
with taken as (
    select trigger, sum(events)::bigint as events
    from consumed
    where pos <= $p and trigger in (select unnest($ids::varchar[]))
    group by trigger
)
select
    trigger, consumer, state, fired, started, ended, attempt, part, coalesce(events, 0), actor, error, duration, worker,
    depth
from trigger_states
left join taken using (trigger)
order by fired desc
