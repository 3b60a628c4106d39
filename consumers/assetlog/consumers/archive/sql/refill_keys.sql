-- refill_keys: the assets first met in sealed ranges.
insert into keys
select entry.aid, entry.key, position
from (
    select position, unnest(keys) as entry
    from read_parquet($files)
    where position > $after and position <= $last and keys is not null
)
order by entry.aid
