-- The last 100 positions of one asset.
select pos from log where aid = $a and pos <= $p order by pos desc limit 100;
