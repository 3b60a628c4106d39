-- trigger_events: the events that the trigger $id of $consumer consumed, in order, after $after; all lie between $low
-- and $high. Breaches of freshness are consumed one by one, never in a range with what else was told of the asset; ticks
-- of the clock have no asset.
with ranges as (
    select aid, part, after_pos, up_to
    from consumed
    where pos <= $p and trigger = $id
)
select log.pos, log.aid, log.part
from ranges
join log on log.aid = ranges.aid and log.part is not distinct from ranges.part
where
    log.pos > ranges.after_pos and log.pos <= ranges.up_to and log.pos > $low and log.pos <= $high and log.pos > $after
    and (log.type = 'asset.materialized' or (log.type = 'asset.overdue' and ranges.up_to = ranges.after_pos + 1))
union all
select consumers.pos, null, null
from ranges
join consumers on consumers.act = 'due' and consumers.name = $consumer
where
    ranges.aid is null and consumers.pos > ranges.after_pos and consumers.pos <= ranges.up_to
    and consumers.pos > $after
order by 1
limit $limit
