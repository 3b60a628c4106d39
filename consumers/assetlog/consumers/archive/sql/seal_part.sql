-- seal_part: the entries between two positions, as they were stored, with the verdict and the rows they became.
copy (
    with keyed as (
        select first_pos as pos, list({'aid': aid, 'key': key} order by aid) as keys
        from keys where first_pos > $after and first_pos <= $last group by first_pos
    ),
    linked as (
        select first_pos as pos, list({'up': up, 'down': down, 'job': job} order by rowid) as edges
        from edges where first_pos > $after and first_pos <= $last group by first_pos
    ),
    column_linked as (
        select
            first_pos as pos,
            list(
                {'up': up, 'up_column': up_column, 'down': down, 'down_column': down_column} order by rowid
            ) as column_edges
        from column_edges where first_pos > $after and first_pos <= $last group by first_pos
    ),
    worked as (
        select first_pos as pos, list({'aid': aid, 'job': job, 'role': role} order by rowid) as job_assets
        from job_assets where first_pos > $after and first_pos <= $last group by first_pos
    ),
    aliased as (
        select pos, list({'aid': aid, 'other': other} order by rowid) as aliases
        from aliases where pos > $after and pos <= $last group by pos
    ),
    taken as (
        select
            pos,
            list(
                {'aid': aid, 'part': part, 'after_pos': after_pos, 'up_to': up_to, 'events': events} order by rowid
            ) as consumed
        from consumed where pos > $after and pos <= $last group by pos
    )
    select
        sealing.position,
        sealing.event,
        case
            when skipped.pos is not null then 'skipped'
            when log.pos is not null then 'folded'
            when quarantine.pos is not null then 'quarantined'
            else 'duplicate'
        end as verdict,
        sealing.source, sealing.id, sealing.subject,
        log.type, log.time, log.run, log.job, log.part, log.aid, log.tid, log.hid,
        keyed.keys, linked.edges, column_linked.column_edges, worked.job_assets, aliased.aliases,
        case when descriptions.pos is not null then {
            'name': descriptions.name, 'grp': descriptions.grp, 'kind': descriptions.kind,
            'description': descriptions.description, 'url': descriptions.url, 'owners': descriptions.owners,
            'tags': descriptions.tags, 'columns': descriptions.columns, 'extra': descriptions.extra,
            'freshness': descriptions.freshness
        } end as description,
        case when checks.pos is not null then {
            'name': checks.name, 'passed': checks.passed, 'severity': checks.severity, 'part': checks.part,
            'run': checks.run
        } end as check_result,
        alias_assets.alias as resolved_alias,
        case when artifacts.pos is not null then {
            'act': artifacts.act, 'id': artifacts.id, 'key': artifacts.key, 'type': artifacts.type,
            'run': artifacts.run
        } end as artifact,
        case when runs.pos is not null then {
            'act': runs.act, 'parent': runs.parent, 'duration': runs.duration, 'error': runs.error
        } end as ran,
        case when consumers.pos is not null then {'act': consumers.act, 'name': consumers.name, 'data': consumers.data}
        end as consumer,
        case when triggers.pos is not null then {
            'act': triggers.act, 'id': triggers.trigger, 'consumer': triggers.consumer, 'part': triggers.part,
            'attempt': triggers.attempt, 'depth': triggers.depth, 'duration': triggers.duration,
            'worker': triggers.worker, 'actor': triggers.actor, 'error': triggers.error
        } end as trigger,
        taken.consumed,
        case when quarantine.pos is not null then {
            'code': quarantine.code, 'field': quarantine.field, 'detail': quarantine.detail
        } end as refused,
        skipped.version as skipped_version
    from sealing
    left join log on log.pos = sealing.position and log.pos > $after and log.pos <= $last
    left join keyed on keyed.pos = sealing.position
    left join linked on linked.pos = sealing.position
    left join column_linked on column_linked.pos = sealing.position
    left join worked on worked.pos = sealing.position
    left join aliased on aliased.pos = sealing.position
    left join descriptions on descriptions.pos = sealing.position
    left join checks on checks.pos = sealing.position
    left join alias_assets on alias_assets.pos = sealing.position
    left join artifacts on artifacts.pos = sealing.position
    left join runs on runs.pos = sealing.position
    left join consumers on consumers.pos = sealing.position
    left join triggers on triggers.pos = sealing.position
    left join taken on taken.pos = sealing.position
    left join quarantine on quarantine.pos = sealing.position
    left join skipped on skipped.pos = sealing.position
    order by sealing.position
)
to $file (format parquet, compression lz4, row_group_size 8192)
