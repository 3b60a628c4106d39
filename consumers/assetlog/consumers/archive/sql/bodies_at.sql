-- bodies_at: the stored bytes at some positions of a segment.
select position, event
from read_parquet($file)
where position in (select unnest($positions::bigint[])) and position between $least and $greatest
