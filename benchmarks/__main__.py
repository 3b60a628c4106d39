"""`python -m benchmarks [MEASURE ...]` is `assetlog bench`, from a checkout."""

from __future__ import annotations

import sys

from assetlog.catalog.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
