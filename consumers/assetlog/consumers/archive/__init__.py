"""The archive: ranges of the log sealed into immutable, chained Parquet files, and what reads across both."""
