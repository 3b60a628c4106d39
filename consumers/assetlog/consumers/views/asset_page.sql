-- asset_page: the numbers of assets in the order of their keys as of $p, after the key $after: filters on keys only.
-- with alias_roots
select aid, key
from keys
left join alias_roots on member = aid
where first_pos <= $p and member is null
    and ($after::varchar is null or key > $after)
    and ($prefix::varchar is null or starts_with(key, $prefix))
    and ($scheme::varchar is null or starts_with(key, $scheme || '://'))
order by key
limit $limit
