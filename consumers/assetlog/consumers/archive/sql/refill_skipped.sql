-- refill_skipped: the events of sealed ranges that were too new.
insert into skipped
select position, type, skipped_version
from read_parquet($files)
where position > $after and position <= $last and skipped_version is not null
