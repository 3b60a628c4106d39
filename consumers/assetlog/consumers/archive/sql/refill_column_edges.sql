-- refill_column_edges: the columns' edges that began in sealed ranges.
insert into column_edges
select entry.up, entry.up_column, entry.down, entry.down_column, position
from (
    select position, unnest(column_edges) as entry
    from read_parquet($files)
    where position > $after and position <= $last and column_edges is not null
)
