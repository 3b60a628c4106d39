-- asset_parts: the partitions of the assets numbered $aids as of $p, from those up to the snapshot at $s and the tail.
select aid, part
from snap_parts
where first_pos <= $p and aid in (select unnest($aids::integer[]))
union
select aid, part
from log
where
    pos > $s and pos <= $p and part is not null and type in ('asset.materialized', 'asset.failed')
    and aid in (select unnest($aids::integer[]))
