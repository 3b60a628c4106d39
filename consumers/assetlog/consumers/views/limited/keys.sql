-- keys: the assets whose key begins with one of $prefixes.
select *
from main.keys
where exists (select 1 from unnest($prefixes::varchar[]) as allowed(prefix) where starts_with(key, allowed.prefix))
