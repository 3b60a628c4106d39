"""Laws of a file of bodies: what was written is found, nothing else is, and no change to the file makes it lie."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetlog.consumers.archive.body_file import BLOCK_BYTES, BodyFile, DamagedError, write_bodies

SEGMENT = "5a" * 32
BODIES = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 99).map(lambda n: b'{"specversion":"1.0","subject":"s3://lake/%d"}' % n),
    st.integers(BLOCK_BYTES - 2, BLOCK_BYTES + 2).map(lambda size: b"x" * size),
)
LOGS = st.dictionaries(st.integers(1, 2**62), BODIES, min_size=1, max_size=60)


def write(directory: str, log: dict[int, bytes], batch: int = 25) -> Path:
    path, entries = Path(directory) / "a.bodies", sorted(log.items())
    size = write_bodies(path, SEGMENT, [entries[at : at + batch] for at in range(0, len(entries), batch)])
    assert size == path.stat().st_size
    return path


@given(LOGS, st.sets(st.integers(1, 2**62), max_size=10), st.integers(1, 60), st.data())
def test_every_body_that_was_written_is_found_and_no_other(
    log: dict[int, bytes], others: set[int], batch: int, data: st.DataObject
) -> None:
    near = {position + 1 for position in log} | {position - 1 for position in log}
    asked = data.draw(st.sets(st.sampled_from(sorted(log.keys() | near | others))))
    with TemporaryDirectory() as directory:
        file = BodyFile(write(directory, log, batch), SEGMENT)
        assert file.find(sorted(asked)) == {position: log[position] for position in asked & log.keys()}


@given(LOGS, st.data())
def test_a_file_that_was_changed_says_so_or_tells_the_truth(log: dict[int, bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = write(directory, log)
        opened, content = BodyFile(path, SEGMENT), bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content), len(content) // 2, 3, 0]))])
        for position, raw in log.items():
            for again in (False, True):
                with suppress(DamagedError):
                    assert (BodyFile(path, SEGMENT) if again else opened).find([position]) == {position: raw}


@given(LOGS)
def test_a_file_of_another_segment_is_refused(log: dict[int, bytes]) -> None:
    with TemporaryDirectory() as directory:
        path = write(directory, log)
        with pytest.raises(DamagedError, match="another segment"):
            BodyFile(path, "a5" * 32)
