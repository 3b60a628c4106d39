-- A hundred assets' counts as of $p: the last snapshot and the tail behind it.
with last as (select coalesce(max(snap_pos), 0) as pos from snap where snap_pos <= $p)
select aid, sum(n) from (
    select aid, materializations as n from snap, last where snap_pos = last.pos and aid between $a and $a + 99
    union all
    select aid, count(*) from log, last
    where log.pos > last.pos and log.pos <= $p and aid between $a and $a + 99 group by aid
) group by aid;
