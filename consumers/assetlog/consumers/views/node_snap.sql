-- node_snap: what lineage shows of the assets numbered $aids at the snapshot at $s. Ranks come in two parts, effective
-- time and position: a hugeint takes Python longer than both.
select
    aid,
    (materialized >> 63)::bigint, (materialized & 9223372036854775807)::bigint,
    (failed >> 63)::bigint, (failed & 9223372036854775807)::bigint,
    (overdue >> 63)::bigint, (overdue & 9223372036854775807)::bigint
from snap
where snap_pos = $s and aid in (select unnest($aids::integer[]))
