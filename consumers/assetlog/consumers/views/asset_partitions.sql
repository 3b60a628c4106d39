-- asset_partitions: how many partitions each of the numbers $aids has as of $p.
select aid, count(distinct part)
from log
where pos <= $p and part is not null and type in ('asset.materialized', 'asset.failed')
    and aid in (select unnest($aids::integer[]))
group by aid
