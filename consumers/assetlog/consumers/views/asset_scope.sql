-- asset_scope: the numbers that asset_state must look at to judge the assets $roots as of $p:
-- they, their upstreams, and the aliases of all these.
-- with alias_roots
with rooted as (
    select aid, coalesce(root, aid) as root
    from keys
    left join alias_roots on member = aid
    where first_pos <= $p
),
wanted as (
    select unnest($roots::integer[]) as root
    union
    select up.root
    from edges
    join rooted as up on up.aid = edges.up
    join rooted as down on down.aid = edges.down
    where edges.first_pos <= $p and down.root in (select unnest($roots::integer[]))
)
select aid from rooted where root in (select root from wanted)
