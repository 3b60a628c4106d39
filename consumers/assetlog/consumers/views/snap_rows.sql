-- snap_rows: what the assets numbered $aids added up to at the snapshot at $s.
select aid, materializations, failures, observations, materialized, failed, overdue, retired_pos, active_pos
from snap
where snap_pos = $s and aid in (select unnest($aids::integer[]))
