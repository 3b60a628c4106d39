-- trigger_events: what happened to triggers between two positions, with what accepted ones consumed.
with taken as (
    select pos, list([aid::bigint, after_pos, up_to, events::bigint] order by rowid) as ranges, list(part order by rowid) as parts
    from consumed where pos > $after and pos <= $p group by pos
)
select triggers.pos, act, trigger, consumer, part, depth, error, ranges, parts
from triggers left join taken on taken.pos = triggers.pos
where triggers.pos > $after and triggers.pos <= $p
order by triggers.pos
