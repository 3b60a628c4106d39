-- partitions: what the events of the assets numbered $aids say about their partitions as of $p, last name first.
-- Ranks are those of asset_rows.
select
    part,
    count(*) filter (type = 'asset.materialized') as materializations,
    count(*) filter (type = 'asset.failed') as failures,
    max(rank) filter (type = 'asset.materialized') as materialized,
    max(rank) filter (type = 'asset.failed') as failed
from (
    select
        part, type,
        ((least(epoch_us(time), (pos >> 20) * 1000 + 300000000) + 72057594037927936)::hugeint << 63) + pos as rank
    from log
    where
        pos <= $p and list_contains($aids::integer[], aid) and part is not null
        and type in ('asset.materialized', 'asset.failed')
        and ($before is null or part < $before)
)
group by part
order by part desc
limit $limit
