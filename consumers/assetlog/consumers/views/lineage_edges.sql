-- lineage_edges: the edges as of $p between the assets $roots, with the jobs that made them.
-- with linked
select
    up, down, coalesce(list(job order by job) filter (job is not null), []) as jobs, min(first_pos) as first_pos
from linked
where up in (select unnest($roots::integer[])) and down in (select unnest($roots::integer[]))
group by up, down
order by up, down
