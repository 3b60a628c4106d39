-- seal: parts in order as one file. Small row groups, because an event is read by decompressing all of its group;
-- level 1 of zstd was smaller than the default 3 on such events, and twice as fast.
copy (from read_parquet($parts))
to $file (format parquet, compression zstd, compression_level 1, row_group_size 4096, parquet_version v2)
