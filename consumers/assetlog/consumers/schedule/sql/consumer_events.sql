-- consumer_events: what happened to consumers between two positions.
select pos, act, name, data from consumers where pos > $after and pos <= $p order by pos
