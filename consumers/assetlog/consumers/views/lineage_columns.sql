-- lineage_columns: which columns of the assets $roots were made from which as of $p, aliases resolved.
-- with alias_roots
with rooted as (
    select
        coalesce(up_root.root, up) as up, up_column, coalesce(down_root.root, down) as down, down_column, first_pos
    from column_edges
    left join alias_roots as up_root on up_root.member = up
    left join alias_roots as down_root on down_root.member = down
    where first_pos <= $p
)
select up, up_column, down, down_column, min(first_pos)
from rooted
where up in (select unnest($roots::integer[])) and down in (select unnest($roots::integer[]))
group by all
order by all
