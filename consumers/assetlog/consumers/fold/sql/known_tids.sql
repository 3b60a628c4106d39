-- known_tids: where the log holds these UUIDv7 identities; the bounds let zonemaps prune.
select tid, min(pos)
from log
where tid in (select unnest($ids::uuid[])) and tid between $least::uuid and $greatest::uuid
group by tid
