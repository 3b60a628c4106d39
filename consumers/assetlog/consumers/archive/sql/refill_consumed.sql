-- refill_consumed: what the accepted triggers of sealed ranges consumed.
insert into consumed
select position, id, entry.aid, entry.part, entry.after_pos, entry.up_to, entry.events
from (
    select position, trigger.id as id, unnest(consumed) as entry
    from read_parquet($files)
    where position > $after and position <= $last and consumed is not null
)
