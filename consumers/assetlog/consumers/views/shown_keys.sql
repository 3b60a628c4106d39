-- shown_keys: the keys that lists show as of $p: no aliases, and no retired assets.
-- $aids: retired_members, the only assets that may be retired now; so the others' events need not be looked at.
-- with alias_roots
-- with asset_rows
with retired as (
    select coalesce(root, aid) as aid
    from asset_rows
    left join alias_roots on member = aid
    group by 1
    having max(retired_pos) > coalesce(max(active_pos), 0)
)
select key
from keys
where first_pos <= $p and aid not in (select aid from retired) and aid not in (select member from alias_roots)
