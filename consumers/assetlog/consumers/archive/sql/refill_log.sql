-- refill_log: the events of sealed ranges, in order as they are: DuckDB keeps the order of files and of their rows.
insert into log
select position, tid, hid, type, aid, time, run, job, part
from read_parquet($files)
where position > $after and position <= $last and type is not null
