-- event: whether there is an event at $pos.
select count(*) from log where pos = $pos
