-- refill_quarantine: what the fold could not take in sealed ranges.
insert into quarantine
select position, refused.code, refused.field, refused.detail
from read_parquet($files)
where position > $after and position <= $last and refused is not null
order by position
