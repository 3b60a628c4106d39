"""The HTTP API: one small module per group of routes, and the few things they share."""
