"""Measures what is measured in the small: `python -m benchmarks [NAME ...]`; one line of JSON a measure."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

NAMES = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name[:1] != "_")


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    for name in names or NAMES:
        for measure in importlib.import_module(f"benchmarks.{name}").run():
            print(json.dumps({"benchmark": name, **measure}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
