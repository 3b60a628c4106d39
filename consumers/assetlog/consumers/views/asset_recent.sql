-- asset_recent: the $limit assets with the latest events as of $p, the latest last; those without events come first.
-- with alias_roots
select aid
from (
    select coalesce(root, keys.aid) as aid, max(coalesce(log.pos, keys.first_pos)) as last_pos
    from keys
    left join alias_roots on member = keys.aid
    left join (select aid, max(pos) as pos from log where pos <= $p and aid is not null group by aid) as log
        on log.aid = keys.aid
    where first_pos <= $p
    group by 1
    order by last_pos desc
    limit $limit
)
order by last_pos
