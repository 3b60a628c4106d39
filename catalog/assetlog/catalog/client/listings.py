"""What a client answers for a list: its items, and the way to all of them as a frame."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from assetlog.catalog.client.frames import Frame
from assetlog.schemas.html import html_of
from assetlog.schemas.shapes import Page

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Item = TypeVar("Item")


class BaseListing(Generic[Item]):
    """Items of a list: iterate over it, index it, look at it in a notebook.

    Attributes:
        items: the items of this part, at most `limit` (100 unless given).
        next: the cursor of the next part; None for the last.
        position: the position that the list is as of.
    """

    def __init__(self, page: Page[Item]) -> None:
        self.items = page.items
        self.next = page.next
        self.position = page.position
        self._page = page

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, at: int) -> Item: ...

    @overload
    def __getitem__(self, at: slice) -> list[Item]: ...

    def __getitem__(self, at: int | slice) -> Item | list[Item]:
        return self.items[at]

    def __repr__(self) -> str:
        more = ", and more" if self.next else ""
        return f"<{len(self)} items{more}, as of {self.position}>"

    def _repr_html_(self) -> str:
        return html_of(self._page)


class Listing(BaseListing[Item]):
    """Items of a list, and its rows as a frame.

    A frame has *every* row that the filters let through, as of the listing's position, unless `limit` was given: then
    at most so many.
    """

    def __init__(self, page: Page[Item], frame: Callable[[], Frame]) -> None:
        super().__init__(page)
        self._frame = frame

    def to_arrow(self) -> pyarrow.Table:
        """The rows as a table of pyarrow."""
        return self._frame().to_arrow()

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame of pandas; needs pyarrow, too."""
        return self._frame().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The rows as a DataFrame of Polars."""
        return self._frame().to_polars()


class AsyncListing(BaseListing[Item]):
    """Items of a list, and its rows as a frame; see `Listing`."""

    def __init__(self, page: Page[Item], frame: Callable[[], Awaitable[Frame]]) -> None:
        super().__init__(page)
        self._frame = frame

    async def to_arrow(self) -> pyarrow.Table:
        """The rows as a table of pyarrow."""
        return (await self._frame()).to_arrow()

    async def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame of pandas; needs pyarrow, too."""
        return (await self._frame()).to_pandas()

    async def to_polars(self) -> polars.DataFrame:
        """The rows as a DataFrame of Polars."""
        return (await self._frame()).to_polars()
