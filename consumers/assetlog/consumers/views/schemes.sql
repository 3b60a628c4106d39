-- schemes: the schemes of keys as of $p: the first steps of the tree.
-- with shown_keys
select split_part(key, '://', 1) as name, count(*), max(key) filter (ends_with(key, '://'))
from shown_keys
group by 1
order by 1
