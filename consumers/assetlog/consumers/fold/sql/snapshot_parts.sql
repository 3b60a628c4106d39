-- snapshot_parts: the partitions that began after the snapshot at $s and up to $p.
insert into snap_parts
select aid, part, min(pos)
from log
where
    pos > $s and pos <= $p and part is not null and aid is not null and type in ('asset.materialized', 'asset.failed')
    and not exists (select * from snap_parts as known where known.aid = log.aid and known.part = log.part)
group by aid, part
order by aid, part
