-- range_positions: the materializations of an asset and partition that lie in a range.
select pos
from log
where
    aid = $aid and part is not distinct from $part and pos > $after and pos <= $up_to
    and type in ('asset.materialized', 'asset.overdue')
order by pos
