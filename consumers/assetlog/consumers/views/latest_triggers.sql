-- latest_triggers: the triggers of $consumer and of $consumers, or of all, that fired at or before $high as of $p, the latest first.
select trigger, pos
from triggers
where
    depth is not null and pos <= $p and pos <= $high
    and ($consumer is null or consumer = $consumer)
    and ($consumers::varchar[] is null or list_contains($consumers::varchar[], consumer))
order by pos desc
limit $limit
