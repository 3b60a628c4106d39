-- window: the identities of the last $size events, oldest first; as blobs, which cost Python a third of UUIDs.
select pos, tid::blob, hid::blob
from (select pos, tid, hid from log order by pos desc limit $size)
order by pos
