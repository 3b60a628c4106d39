-- before_window: the greatest identities of either kind among the events before the last $size.
select max(tid)::blob, max(hid)::blob
from log
where pos < coalesce((select min(pos) from (select pos from log order by pos desc limit $size)), 0)
