-- live_artifacts: every version of every artifact as of $p that is not retired, by its id or by its key later on.
select created.pos, created.id, created.key, created.type, created.aid, created.run
from artifacts as created
left join (
    select key, max(pos) as pos
    from artifacts
    where act = 'retired' and id is null and key is not null and pos <= $p
    group by key
) as retired on retired.key = created.key
where
    created.act = 'created' and created.pos <= $p
    and (retired.pos is null or retired.pos < created.pos)
    and created.id not in (select id from artifacts where act = 'retired' and id is not null and pos <= $p)
