-- known_hids: where the log holds these identities; hashes have no order, so it scans the column.
select hid, min(pos)
from log
where hid in (select unnest($ids::uuid[])) and hid between $least::uuid and $greatest::uuid
group by hid
