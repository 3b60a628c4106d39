-- snapped_partitions: asset_partitions, where a snapshot stands at or after $p: then the log need not be looked at.
select aid, count(*)
from snap_parts
where first_pos <= $p and aid in (select unnest($aids::integer[]))
group by aid
