-- filtered_triggers: the triggers that pass every filter given and fired at or before $high, the latest first; their
-- $state as of $p. $aids: they consumed an event of one of these assets.
-- with trigger_states
select trigger, pos
from triggers
where
    depth is not null and pos <= $p and pos <= $high
    and ($consumer is null or consumer = $consumer)
    and ($consumers::varchar[] is null or list_contains($consumers::varchar[], consumer))
    and ($state is null or trigger in (select trigger from trigger_states where state = $state))
    and (
        $aids::integer[] is null
        or trigger in (select trigger from consumed where pos <= $p and list_contains($aids::integer[], aid))
    )
order by pos desc
limit $limit
