-- reading: keep the files' footers, which say where everything is: reading one took longer than the event.
set parquet_metadata_cache = true
