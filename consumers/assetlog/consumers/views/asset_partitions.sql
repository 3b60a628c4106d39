-- asset_partitions: how many partitions each of the numbers $aids has as of $p, from those up to the snapshot at $s
-- and the tail of the log.
-- with asset_parts
select aid, count(*) from asset_parts group by aid
