-- verdicts: how many entries came to what between two positions, and the last of them.
select
    count(*) filter (verdict = 'folded'), count(*) filter (verdict = 'duplicate'),
    count(*) filter (verdict = 'quarantined'), count(*) filter (verdict = 'skipped'), max(position)
from read_parquet($files)
where position > $after and position <= $last
