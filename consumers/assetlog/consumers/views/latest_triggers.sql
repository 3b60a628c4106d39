-- latest_triggers: the triggers of $consumer, or of all, that fired at or before $high as of $p, the latest first.
select trigger, pos
from triggers
where depth is not null and pos <= $p and pos <= $high and ($consumer is null or consumer = $consumer)
order by pos desc
limit $limit
