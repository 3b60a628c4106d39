-- bodies_after: the next stored entries after a position.
select position, event from read_parquet($file) where position > $after order by position limit $limit
