-- refill_triggers: the firings of sealed ranges, and what came of them.
insert into triggers
select
    position, trigger.act, trigger.id, trigger.consumer, trigger.part, trigger.attempt, trigger.depth,
    trigger.duration, trigger.worker, trigger.actor, trigger.error
from read_parquet($files)
where position > $after and position <= $last and trigger is not null
