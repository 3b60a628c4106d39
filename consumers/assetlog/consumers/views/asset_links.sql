-- asset_links: what the assets $roots are linked with as of $p: one row a link, kinds up, down, makes, reads, alias,
-- each with the position where it began.
-- with alias_roots
with rooted as (
    select aid, key, coalesce(root, aid) as root
    from keys
    left join alias_roots on member = aid
    where first_pos <= $p
),
wanted as (
    select unnest($roots::integer[]) as root
),
linked as (
    select up.root as up, down.root as down, job, first_pos
    from edges
    join rooted as up on up.aid = edges.up
    join rooted as down on down.aid = edges.down
    where first_pos <= $p and up.root <> down.root
)
select down as aid, 'up' as kind, key as value
from linked
join keys on keys.aid = up
where down in (select root from wanted)
union
select up, 'down', key
from linked
join keys on keys.aid = down
where up in (select root from wanted)
union
select root, role, job
from job_assets
join rooted on rooted.aid = job_assets.aid
where job_assets.first_pos <= $p and root in (select root from wanted)
union
select root, 'alias', key
from rooted
where aid <> root and root in (select root from wanted)
order by 1, 2, 3
