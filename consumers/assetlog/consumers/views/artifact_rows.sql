-- artifact_rows: what columns say of the artifact versions created at $positions, the newest first.
-- A version's number counts the creations of its key.
with wanted as (
    select unnest($positions::bigint[]) as pos
),
shown as (
    select * from artifacts where act = 'created' and pos in (select pos from wanted)
),
numbers as (
    select shown.pos, count(*) as version
    from shown
    join artifacts as earlier on earlier.key = shown.key and earlier.pos <= shown.pos
    where earlier.act = 'created'
    group by shown.pos
)
select
    shown.pos, shown.id, shown.key, shown.type, coalesce(version, 1), log.time, shown.run, log.job, keys.key
from shown
join log using (pos)
left join numbers using (pos)
left join keys on keys.aid = shown.aid
order by shown.pos desc
