-- asset_parts: the partitions of the assets numbered $aids as of $p.
select distinct aid, part
from log
where pos <= $p and part is not null and type in ('asset.materialized', 'asset.failed')
    and aid in (select unnest($aids::integer[]))
