-- node_tail: the last materialization, failure and breach of freshness after $s and up to $p of the assets numbered
-- $aids, a row each; ranks in two parts as in node_snap.
select aid, type, (rank >> 63)::bigint, (rank & 9223372036854775807)::bigint
from (
    select
        aid, type,
        case type
            when 'asset.overdue' then max((pos::hugeint << 63) + time) else max((time::hugeint << 63) + pos)
        end as rank
    from (
        select pos, aid, type, least(epoch_us(time), (pos >> 20) * 1000 + 300000000) + 72057594037927936 as time from log
    )
    where
        pos > $s and pos <= $p and type in ('asset.materialized', 'asset.failed', 'asset.overdue')
        and aid in (select unnest($aids::integer[]))
    group by aid, type
)
