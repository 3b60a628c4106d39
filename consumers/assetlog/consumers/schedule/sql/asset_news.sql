-- asset_news: materializations, and assets that were overdue, between two positions; of some assets, or of all.
select pos, type, aid, part
from log
where
    pos > $after and pos <= $p and type in ('asset.materialized', 'asset.overdue') and aid is not null
    and ($aids::integer[] is null or aid in (select unnest($aids::integer[])))
order by pos
