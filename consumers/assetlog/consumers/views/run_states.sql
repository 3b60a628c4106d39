-- run_states: what the own events of each run, or of the runs $ids, say as of $p. An end beats a start; of several ends the one of the highest
-- rank counts (effective time, then position; see asset_rows). Runs that only other events speak of are not here.
select run, started, parent, finish, coalesce(finish.act, 'running') as state
from (
    select
        run,
        min(time) filter (act = 'started') as started,
        arg_max(parent, pos) filter (parent is not null) as parent,
        arg_max({act: act, time: time, duration: duration, error: error}, rank) filter (act <> 'started') as finish
    from (
        select
            *,
            ((least(epoch_us(time), (pos >> 20) * 1000 + 300000000) + 72057594037927936)::hugeint << 63) + pos as rank
        from (
            select pos, act, run, time, parent, duration, error
            from runs
            where pos <= $p and ($ids::varchar[] is null or run in (select unnest($ids::varchar[])))
            union all
            select
                pos, case act when 'exhausted' then 'failed' when 'cancelled' then 'skipped' else act end, trigger,
                make_timestamp((pos >> 20) * 1000), null, duration, error
            from triggers
            where
                pos <= $p and ($ids::varchar[] is null or trigger in (select unnest($ids::varchar[])))
                and act in ('started', 'succeeded', 'exhausted', 'cancelled')
        )
    )
    group by run
)
