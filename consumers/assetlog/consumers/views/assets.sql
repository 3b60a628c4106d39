-- assets: numbers and ranks of the assets as of $p that pass every filter given, in the order of $sort, after the sort key ($after_rank, $after).
-- with asset_state
with ranked as (
    select
        *,
        case $sort
            when 'key' then 0
            when 'last_materialization' then -coalesce(materialized, 0)
            when 'materializations' then -materializations
            when 'failures' then -failures
            when 'first_seen' then -first_pos
            else 0
        end::hugeint as rank
    from asset_state
)
select aid, rank
from ranked
where ($retired::boolean or not retired)
    and ($q::varchar is null or contains(lower(key), lower($q)) or contains(lower(coalesce(name, '')), lower($q))
        or contains(lower(coalesce(description, '')), lower($q)))
    and ($prefix::varchar is null or starts_with(key, $prefix))
    and ($scheme::varchar is null or starts_with(key, $scheme || '://'))
    and ($group::varchar is null or grp = $group)
    and ($state::varchar is null or state = $state)
    and ($owner::varchar is null or json_contains(owners, to_json($owner)))
    and ($tag::varchar is null or map_contains(tags::json::map(varchar, varchar), $tag))
    and ($tag_value::varchar is null or (tags::json::map(varchar, varchar))[$tag] = $tag_value)
    and ($after::varchar is null or rank > $after_rank::varchar::hugeint or (rank = $after_rank::varchar::hugeint and key > $after))
order by rank, key
limit $limit
