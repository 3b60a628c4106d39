-- asset_rows: what each asset's own events add up to as of $p, from the snapshot at $s and the tail of the log;
-- of all assets, or of those numbered $aids.
-- A rank is one number that orders by (effective time, position), a breach's by (position, time): fold/rank.py. The next snapshot is this text's result.
select
    aid,
    sum(materializations)::bigint as materializations,
    sum(failures)::bigint as failures,
    sum(observations)::bigint as observations,
    max(materialized) as materialized,
    max(failed) as failed,
    max(overdue) as overdue,
    max(retired_pos) as retired_pos,
    max(active_pos) as active_pos
from (
    select
        aid, materializations, failures, observations, materialized, failed, overdue, retired_pos, active_pos
    from snap
    where snap_pos = $s and ($aids::integer[] is null or aid in (select unnest($aids::integer[])))
    union all
    select
        aid,
        count(*) filter (type = 'asset.materialized'),
        count(*) filter (type = 'asset.failed'),
        count(*) filter (type = 'asset.observed'),
        max(rank) filter (type = 'asset.materialized'),
        max(rank) filter (type = 'asset.failed'),
        max((pos::hugeint << 63) + (rank >> 63)) filter (type = 'asset.overdue'),
        max(pos) filter (type = 'asset.retired'),
        max(pos) filter (starts_with(type, 'asset.') and type not in ('asset.retired', 'asset.overdue'))
    from (
        select
            pos, aid, type,
            ((least(epoch_us(time), (pos >> 20) * 1000 + 300000000) + 72057594037927936)::hugeint << 63) + pos as rank
        from log
        where pos > $s and pos <= $p and aid is not null
            and ($aids::integer[] is null or aid in (select unnest($aids::integer[])))
    )
    group by aid
)
group by aid
