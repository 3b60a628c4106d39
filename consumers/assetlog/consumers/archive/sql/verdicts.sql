-- verdicts: for each file its last entry between two positions, and how many came to what, in the order of the
-- fold's totals.
select
    max(position),
    count(*) filter (verdict = 'folded'), count(*) filter (verdict = 'duplicate'),
    count(*) filter (verdict = 'quarantined'), count(*) filter (verdict = 'skipped')
from read_parquet($files, filename = true)
where position > $after and position <= $last
group by filename
order by max(position)
