-- latest_runs: the runs whose last event as of $p lies after $low and up to $high, the latest first.
-- It looks only behind $low: the last events of all other runs are older.
select run, max(pos) as pos
from log
where pos > $low and pos <= $p and run is not null
group by run
having max(pos) <= $high
order by pos desc
limit $limit
