"""The tables of the projection as somebody sees them who may see only some assets: one SQL file a table."""
