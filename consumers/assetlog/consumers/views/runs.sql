-- runs: everything about the runs $ids as of $p, except their children; the latest first.
-- $id: the only one of them, if it is one; a scan for one value is quicker than a join.
-- with run_states
with wanted as (
    select unnest($ids::varchar[]) as run
),
spoken as (
    select
        run,
        max(pos) as pos,
        arg_max(job, pos) filter (job is not null) as job,
        list(distinct key order by key) filter (type = 'asset.materialized') as produced,
        list(distinct key order by key) filter (type = 'asset.failed') as failed
    from log
    left join keys using (aid)
    where pos <= $p and ($id is null or run = $id) and run in (select run from wanted)
    group by run
)
select
    run, pos, job, parent, coalesce(state, 'unknown'), started, finish.time, finish.duration, finish.error,
    produced, failed
from spoken
left join run_states using (run)
order by pos desc
