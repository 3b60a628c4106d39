-- checks: the newest result as of $p of each check and partition of the assets numbered $aids.
with results as (
    select
        name, part, max(pos) as pos, count(*) as results, count(*) filter (not passed) as failed,
        arg_max({passed: passed, severity: severity, run: run}, pos) as newest
    from checks
    where
        pos <= $p and list_contains($aids::integer[], aid)
        and (name, coalesce(part, '')) > ($after_name, $after_part)
    group by name, part
    order by name, coalesce(part, '')
    limit $limit
)
select
    results.name, results.part, results.pos, newest.passed, newest.severity, newest.run, log.time, results, failed
from results
join log using (pos)
order by results.name, coalesce(results.part, '')
