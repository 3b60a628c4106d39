-- lineage_down: what was made from the asset $root, up to $depth steps away, as of $p: the nearest first.
-- with linked
with recursive reach(aid, depth) using key (aid) as (
    select $root::integer, 0
    union
    select linked.down, min(reach.depth) + 1
    from reach
    join linked on linked.up = reach.aid
    left join recurring.reach as met on met.aid = linked.down
    where reach.depth < $depth and met.aid is null
    group by linked.down
)
select aid, depth from reach order by depth, aid limit $limit
