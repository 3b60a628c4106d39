-- job_assets: the jobs of assets that are seen.
select * from main.job_assets where aid in (select aid from keys)
