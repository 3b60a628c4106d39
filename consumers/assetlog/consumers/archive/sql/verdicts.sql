-- verdicts: how many entries came to what between two positions, the last of them, and how many have rows in each of
-- the narrow tables, in the order of refill.TABLES: most segments have none in most.
select
    count(*) filter (verdict = 'folded'), count(*) filter (verdict = 'duplicate'),
    count(*) filter (verdict = 'quarantined'), count(*) filter (verdict = 'skipped'), max(position),
    count(type), count(keys), count(edges), count(column_edges), count(job_assets), count(description),
    count(check_result), count(aliases), count(resolved_alias), count(artifact), count(ran), count(refused),
    count(skipped_version)
from read_parquet($files)
where position > $after and position <= $last
