-- refill_edges: the edges that began in sealed ranges.
insert into edges
select entry.up, entry.down, entry.job, position
from (
    select position, unnest(edges) as entry
    from read_parquet($files)
    where position > $after and position <= $last and edges is not null
)
