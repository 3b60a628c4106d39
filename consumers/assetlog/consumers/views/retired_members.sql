-- retired_members: the numbers of the assets that were ever retired up to $p, and of their aliases.
-- with alias_roots
with retired as (
    select aid from snap where snap_pos = $s and retired_pos is not null
    union all
    select aid from log where pos > $s and pos <= $p and type = 'asset.retired'
),
roots as (
    select coalesce(root, aid) as root from retired left join alias_roots on member = aid
)
select aid
from keys
left join alias_roots on member = aid
where first_pos <= $p and coalesce(root, aid) in (select root from roots)
