-- refill_job_assets: which jobs began to touch which assets in sealed ranges.
insert into job_assets
select entry.aid, entry.job, entry.role, position
from (
    select position, unnest(job_assets) as entry
    from read_parquet($files)
    where position > $after and position <= $last and job_assets is not null
)
