-- asset_parts: the partitions of the assets $roots as of $p.
-- with alias_roots
select distinct coalesce(root, aid) as aid, part
from log
left join alias_roots on member = aid
where pos <= $p and part is not null and type in ('asset.materialized', 'asset.failed')
    and coalesce(root, aid) in (select unnest($roots::integer[]))
