-- filtered_runs: the runs that pass every filter given, and whose last event as of $p is at or before $high, the
-- latest first. $job: any of the run's events names it. $aids: any of its events is about one of these assets.
-- with run_states
select run, max(pos) as pos
from log
where
    pos <= $p and run is not null
    and ($job is null or run in (select run from log where pos <= $p and job = $job))
    and (
        $aids::integer[] is null
        or run in (select run from log where pos <= $p and list_contains($aids::integer[], aid))
    )
    and ($state is null or $state = 'unknown' or run in (select run from run_states where state = $state))
    and ($state is null or $state <> 'unknown' or run not in (select run from run_states))
group by run
having max(pos) <= $high
order by pos desc
limit $limit
