-- position_before: the position of the event $count events before $p, 0 if there are fewer.
select coalesce(min(pos), 0)
from (select pos from log where pos <= $p order by pos desc limit 1 offset $count)
