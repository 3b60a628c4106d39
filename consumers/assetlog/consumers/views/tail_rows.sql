-- tail_rows: what the events of each type of the assets numbered $aids after $s and up to $p add up to; ranks as in
-- asset_rows, of materializations, failures and breaches. A row a type is half the planning of a row an asset.
select
    aid, type, count(*), max(pos),
    case type when 'asset.overdue' then max((pos::hugeint << 63) + time) else max((time::hugeint << 63) + pos) end
from (select pos, aid, type, least(epoch_us(time), (pos >> 20) * 1000 + 300000000) + 72057594037927936 as time from log)
where pos > $s and pos <= $p and aid in (select unnest($aids::integer[]))
group by aid, type
