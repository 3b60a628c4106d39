-- snap_parts: the partitions of assets that are seen.
select * from main.snap_parts where aid in (select aid from keys)
