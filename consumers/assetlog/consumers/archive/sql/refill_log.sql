-- refill_log: the events of sealed ranges.
insert into log
select position, tid, hid, type, aid, time, run, job, part
from read_parquet($files)
where position > $after and position <= $last and type is not null
order by position
