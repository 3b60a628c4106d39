-- tree: the next steps of the keys that begin with $prefix, as of $p.
-- A step ends before the next slash; slashes in a key's query do not count.
-- with shown_keys
with below as (
    select substr(key, length($prefix) + 1) as rest, key
    from shown_keys
    where starts_with(key, $prefix) and key <> $prefix
),
steps as (
    select
        case when contains(split_part(rest, '?', 1), '/') then split_part(rest, '/', 1) else rest end as name, rest, key
    from below
)
select name, count(*), max(key) filter (rest in (name, name || '/'))
from steps
group by name
order by name
