-- One asset's counts as of $p: the last snapshot and the tail behind it.
with last as (select coalesce(max(snap_pos), 0) as pos from snap where snap_pos <= $p)
select sum(n) from (
    select materializations as n from snap, last where snap_pos = last.pos and aid = $a
    union all
    select count(*) from log, last where log.pos > last.pos and log.pos <= $p and aid = $a
);
