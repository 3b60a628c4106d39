"""Rows of a list for pandas, Polars and whatever reads Arrow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

ARROW = "application/vnd.apache.arrow.stream"
"""The content type of an Arrow IPC stream."""
NEXT_HEADER = "assetlog-next"


class Frame:
    """The rows of a list, as a node answered them: Arrow IPC streams, one for each part of the list.

    Times are timestamps in UTC, nested values structs and lists; what is free-form (metadata, tags, columns, events) is
    JSON text. Whatever takes Arrow takes a frame: `duckdb.sql("select * from frame")`, `polars.DataFrame(frame)`.
    """

    def __init__(self, streams: list[bytes]) -> None:
        self.streams = streams

    def to_arrow(self) -> pyarrow.Table:
        """The rows as a table of pyarrow, which has to be installed."""
        ipc, arrow = _needed("pyarrow.ipc", "to_arrow"), _needed("pyarrow", "to_arrow")
        return arrow.concat_tables([ipc.open_stream(stream).read_all() for stream in self.streams])

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame of pandas; pandas and pyarrow have to be installed."""
        _needed("pandas", "to_pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The rows as a DataFrame of Polars, which has to be installed."""
        library = _needed("polars", "to_polars")
        frame: polars.DataFrame = library.concat([library.read_ipc_stream(stream) for stream in self.streams])
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows to another library (the Arrow PyCapsule interface); needs pyarrow."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def _needed(module: str, method: str) -> Any:
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        needs = "pandas pyarrow" if method == "to_pandas" else package
        raise ModuleNotFoundError(f"{method}() needs more: pip install {needs}", name=error.name) from error
