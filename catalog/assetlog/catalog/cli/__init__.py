"""The `assetlog` command: one module per command, each with `configure(parser)` and `run(args)`."""
