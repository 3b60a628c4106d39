"""An Arrow stream holds the values it was made of, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from assetlog.catalog.api import arrow
from assetlog.schemas.shapes import Asset, Occurrence, Page, Run, Seen
from assetlog.schemas.times import format_time

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
times = moments.map(format_time)
raws = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
).map(lambda value: Raw(msgspec.json.encode({"value": value})))
occurrences = st.builds(
    Occurrence,
    event_id=texts,
    position=texts,
    time=times,
    run=st.none() | st.builds(Run, id=texts, job=st.none() | texts),
    metadata=raws,
    duration=st.none() | st.floats(allow_nan=False),
    error=st.none() | texts,
)
assets = st.builds(
    Asset,
    key=texts,
    name=st.none() | texts,
    owners=st.lists(texts, max_size=3),
    tags=st.dictionaries(texts, texts, max_size=3),
    extra=raws,
    retired=st.booleans(),
    first_seen=st.builds(Seen, position=texts, time=times),
    last_materialization=st.none() | occurrences,
    materializations=st.integers(0, 2**63 - 1),
)


@settings(deadline=None)  # the first one loads libraries
@given(st.lists(assets, max_size=20))
def test_rows_come_out_as_they_went_in(items: list[Asset]) -> None:
    stream = arrow.encode(Page(items=items, position="1-0"), Page[Asset])
    rows = pa.ipc.open_stream(stream).read_all().to_pylist()
    assert [plain(row) for row in rows] == [told(item) for item in items]


def told(item: Asset) -> object:
    """What an asset says, in the words of the documentation: free-form values are text."""
    said = msgspec.to_builtins(item, builtin_types=(Raw,))
    said["tags"] = msgspec.json.encode(item.tags).decode()
    return texted(said)


def texted(value: object) -> object:
    if isinstance(value, Raw):
        return None if bytes(value) == b"null" else bytes(value).decode()
    if isinstance(value, dict):
        return {name: texted(each) for name, each in value.items()}
    return value


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value
