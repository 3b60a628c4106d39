-- jobs: the jobs after $after by name as of $p, with the last of their runs.
-- with run_states
with named as (
    select distinct job
    from log
    where pos <= $p and job > $after
    order by job
    limit $limit
),
spoken as (
    select
        job, count(distinct run) as runs, max(pos) as pos, arg_max(run, pos) filter (run is not null) as last_run
    from log
    where pos <= $p and job in (select job from named)
    group by job
),
assets as (
    select
        job,
        list(distinct key order by key) filter (role = 'makes') as produces,
        list(distinct key order by key) filter (role = 'reads') as consumes
    from job_assets
    join keys using (aid)
    where job_assets.first_pos <= $p and job in (select job from named)
    group by job
)
select spoken.job, runs, pos, last_run, coalesce(state, 'unknown'), produces, consumes
from spoken
left join run_states on run_states.run = last_run
left join assets on assets.job = spoken.job
order by spoken.job
