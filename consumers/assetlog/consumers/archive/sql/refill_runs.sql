-- refill_runs: the runs of sealed ranges.
insert into runs
select position, ran.act, run, job, ran.parent, time, ran.duration, ran.error
from read_parquet($files)
where position > $after and position <= $last and ran is not null
