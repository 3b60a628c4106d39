-- diff: what is different about each asset between $p0 and $p1, by key after $after. A retired asset counts as gone.
-- with asset_state as state_before($s0, $p0)
-- with asset_state as state_after($s1, $p1)
-- with linked as links($p1)
with earlier as (
    select * from state_before where not retired
),
later as (
    select * from state_after where not retired
),
new_links as (
    select up, down from links group by up, down having min(first_pos) > $p0
),
upstreams as (
    select down as aid, list(key order by key) as added
    from new_links
    join keys on keys.aid = up
    group by down
)
select
    coalesce(later.key, earlier.key) as key,
    case when earlier.aid is null then 'added' when later.aid is null then 'removed' else 'changed' end,
    earlier.state,
    later.state,
    coalesce(later.materializations, earlier.materializations) - coalesce(earlier.materializations, 0),
    coalesce(later.failures, earlier.failures) - coalesce(earlier.failures, 0),
    upstreams.added
from earlier
full join later on later.aid = earlier.aid
left join upstreams on upstreams.aid = later.aid
where
    coalesce(later.key, earlier.key) > $after
    and (
        earlier.aid is null or later.aid is null or upstreams.added is not null
        or (
            later.state, later.state_reason, later.materializations, later.failures, later.observations,
            later.failing_checks, later.name, later.grp, later.kind, later.description, later.url, later.owners,
            later.tags, later.columns, later.extra, later.freshness
        ) is distinct from (
            earlier.state, earlier.state_reason, earlier.materializations, earlier.failures, earlier.observations,
            earlier.failing_checks, earlier.name, earlier.grp, earlier.kind, earlier.description, earlier.url,
            earlier.owners, earlier.tags, earlier.columns, earlier.extra, earlier.freshness
        )
    )
order by key
limit $limit
