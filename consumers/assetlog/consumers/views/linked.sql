-- linked: lineage as of $p between assets, aliases resolved: one row a pair of assets and job, first_pos its beginning.
-- with alias_roots
select
    coalesce(up_root.root, edges.up) as up, coalesce(down_root.root, edges.down) as down, edges.job,
    min(edges.first_pos) as first_pos
from edges
left join alias_roots as up_root on up_root.member = edges.up
left join alias_roots as down_root on down_root.member = edges.down
where edges.first_pos <= $p and coalesce(up_root.root, edges.up) <> coalesce(down_root.root, edges.down)
group by 1, 2, 3
