-- refill_aliases: the aliases of sealed ranges.
insert into aliases
select position, entry.aid, entry.other
from (
    select position, unnest(aliases) as entry
    from read_parquet($files)
    where position > $after and position <= $last and aliases is not null
)
