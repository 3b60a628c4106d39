-- asset_state: every asset as of $p, or those numbered $aids: what is told of it, what its own and its aliases'
-- events add up to, and its state with the reason. To see staleness, $aids must hold the upstreams too: asset_scope.
-- with alias_roots
-- with asset_rows
with known as (
    select keys.aid, coalesce(alias_roots.root, keys.aid) as root, keys.key, keys.first_pos
    from keys
    left join alias_roots on alias_roots.member = keys.aid
    where keys.first_pos <= $p and ($aids::integer[] is null or keys.aid in (select unnest($aids::integer[])))
),
own as (
    select
        known.root as aid,
        min(known.first_pos) as first_pos,
        coalesce(sum(asset_rows.materializations), 0)::bigint as materializations,
        coalesce(sum(asset_rows.failures), 0)::bigint as failures,
        coalesce(sum(asset_rows.observations), 0)::bigint as observations,
        max(asset_rows.materialized) as materialized,
        max(asset_rows.failed) as failed,
        max(asset_rows.overdue) as overdue,
        max(asset_rows.retired_pos) as retired_pos,
        max(asset_rows.active_pos) as active_pos
    from known
    left join asset_rows on asset_rows.aid = known.aid
    group by known.root
),
told as (
    select
        known.root as aid,
        nullif(arg_max(name, pos) filter (name is not null), '') as name,
        nullif(arg_max(grp, pos) filter (grp is not null), '') as grp,
        nullif(arg_max(kind, pos) filter (kind is not null), '') as kind,
        nullif(arg_max(description, pos) filter (description is not null), '') as description,
        nullif(arg_max(url, pos) filter (url is not null), '') as url,
        arg_max(owners, pos) filter (owners is not null) as owners,
        arg_max(tags, pos) filter (tags is not null) as tags,
        arg_max(columns, pos) filter (columns is not null) as columns,
        arg_max(extra, pos) filter (extra is not null) as extra,
        arg_max(freshness, pos) filter (freshness is not null) as freshness
    from descriptions
    join known on known.aid = descriptions.aid
    where pos <= $p
    group by known.root
),
last_checks as (
    select known.root as aid, checks.name, part, arg_max(passed, pos) as passed, arg_max(severity, pos) as severity
    from checks
    join known on known.aid = checks.aid
    where pos <= $p
    group by known.root, checks.name, part
),
failing as (
    select aid, string_agg(distinct name, ', ' order by name) as names
    from last_checks
    where not passed and severity = 'error'
    group by aid
),
newest_upstream as (
    select down.root as aid, max(own.materialized) as materialized, arg_max(own.aid, own.materialized) as up
    from edges
    join known as up on up.aid = edges.up
    join known as down on down.aid = edges.down
    join own on own.aid = up.root
    where edges.first_pos <= $p and up.root <> down.root
    group by down.root
),
judged as (
    select
        own.*,
        failing.names as failing_checks,
        newest_upstream.up as newest_upstream,
        (own.overdue >> 63) > (coalesce(own.materialized, 0) & 9223372036854775807)
            and ((own.overdue & 9223372036854775807) << 63) + (own.overdue >> 63) > coalesce(own.materialized, 0)
            as is_overdue,
        case
            when own.failed > coalesce(own.materialized, 0) then 'failed'
            when failing.names is not null then 'checks-failing'
            when is_overdue then 'stale'
            when own.materialized is null then 'unknown'
            when newest_upstream.materialized > own.materialized then 'stale'
            else 'fresh'
        end as state
    from own
    left join failing on failing.aid = own.aid
    left join newest_upstream on newest_upstream.aid = own.aid
)
select
    judged.aid,
    root.key,
    judged.first_pos,
    told.name, told.grp, told.kind, told.description, told.url, told.owners, told.tags, told.columns, told.extra,
    told.freshness,
    judged.materializations, judged.failures, judged.observations,
    judged.materialized, judged.failed,
    judged.overdue, judged.retired_pos, judged.active_pos,
    judged.failing_checks,
    judged.state,
    case
        when judged.state = 'failed' then 'the last materialization failed'
        when judged.state = 'checks-failing' then 'failing checks: ' || judged.failing_checks
        when judged.state = 'unknown' then 'never materialized'
        when judged.state = 'fresh' then null
        when judged.is_overdue then
            'overdue since '
            || strftime(make_timestamp((judged.overdue & 9223372036854775807)::bigint - 72057594037927936), '%Y-%m-%dT%H:%M:%SZ')
            || coalesce(
                ' (' || nullif(translate(replace(replace(told.freshness, ',"', ', '), '":', ' '), '{"}', ''), '') || ')',
                ''
            )
        else 'newer upstream: ' || upstream.key
    end as state_reason,
    coalesce(judged.retired_pos > coalesce(judged.active_pos, 0), false) as retired
from judged
join keys as root on root.aid = judged.aid
left join keys as upstream on upstream.aid = judged.newest_upstream
left join told on told.aid = judged.aid
