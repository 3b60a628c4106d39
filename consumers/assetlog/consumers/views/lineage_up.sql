-- lineage_up: what the asset $root was made from, up to $depth steps away, as of $p: the nearest first.
-- with linked
with recursive reach(aid, depth) using key (aid) as (
    select $root::integer, 0
    union
    select linked.up, min(reach.depth) + 1
    from reach
    join linked on linked.down = reach.aid
    left join recurring.reach as met on met.aid = linked.up
    where reach.depth < $depth and met.aid is null
    group by linked.up
)
select aid, depth from reach order by depth, aid limit $limit
