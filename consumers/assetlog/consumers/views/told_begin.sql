-- told_begin: the first position of descriptions up to $p, null for none, and the last one in the log up to $p.
select [(select pos from descriptions where pos <= $p order by pos limit 1), (select pos from log where pos <= $p order by pos desc limit 1)]
