-- asset_number: the number of the asset that $key names as of $p, an alias resolved.
-- with alias_roots
select coalesce(root, aid)
from keys
left join alias_roots on member = aid
where key = $key and first_pos <= $p
