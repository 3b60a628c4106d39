-- firing: an accepted trigger, and where its consumer was declared then.
select
    triggers.pos, consumer, part, depth,
    (select max(pos) from consumers where name = triggers.consumer and act = 'registered' and pos <= triggers.pos)
from triggers where trigger = $trigger and act in ('fired', 'cancelled') order by triggers.pos limit 1
