-- bodies: all stored entries of a segment, in order: DuckDB keeps the order of rows.
select position, event from read_parquet($file)
