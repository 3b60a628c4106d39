"""A small real pipeline: a shop's orders, from CSV files over DuckDB tables to a report, with a bad day in between."""
