-- alias_group: the asset that the asset $aid stands for as of $p, and all that stand for it; the former first.
-- with alias_roots
with root as (
    select coalesce((select root from alias_roots where member = $aid), $aid) as aid
)
select keys.aid, key
from keys, root
where keys.aid = root.aid or keys.aid in (select member from alias_roots, root where alias_roots.root = root.aid)
order by keys.aid <> root.aid, keys.aid
