-- asset_members: every number that stands for one of the assets $roots as of $p, aliases included.
-- with alias_roots
select aid
from keys
left join alias_roots on member = aid
where first_pos <= $p and coalesce(root, aid) in (select unnest($roots::integer[]))
