-- tail_rows: what the events of the assets numbered $aids after $s and up to $p add up to; ranks as in asset_rows.
select
    aid,
    count(*) filter (type = 'asset.materialized'),
    count(*) filter (type = 'asset.failed'),
    count(*) filter (type = 'asset.observed'),
    max(rank) filter (type = 'asset.materialized'),
    max(rank) filter (type = 'asset.failed'),
    max(pos) filter (type = 'asset.overdue'),
    max(pos) filter (type = 'asset.retired'),
    max(pos) filter (starts_with(type, 'asset.') and type <> 'asset.retired')
from (
    select
        pos, aid, type,
        ((least(epoch_us(time), (pos >> 20) * 1000 + 300000000) + 72057594037927936)::hugeint << 63) + pos as rank
    from log
    where pos > $s and pos <= $p and aid in (select unnest($aids::integer[]))
)
group by aid
