-- window: the identities of the last $size events, oldest first.
select pos, tid, hid
from (select pos, tid, hid from log order by pos desc limit $size)
order by pos
