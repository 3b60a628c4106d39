-- asset_partitions: how many partitions the assets $roots have as of $p; $aids are their numbers, aliases included.
-- with alias_roots
select coalesce(root, aid) as aid, count(distinct part)
from log
left join alias_roots on member = aid
where aid in (select unnest($aids::integer[])) and pos <= $p and part is not null
    and type in ('asset.materialized', 'asset.failed')
group by coalesce(root, aid)
