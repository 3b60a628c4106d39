-- subject: the asset that $key names as of $p: the one of that key, or what its newest alias statement names.
with named as (
    select aid from keys where key = $key and first_pos <= $p
),
said as (
    select arg_max(aid, pos) as aid from aliases where pos <= $p and other in (select aid from named)
)
select keys.aid, keys.key
from keys
where aid = (select coalesce(said.aid, named.aid) from named, said)
