"""The spool: nothing waits in vain, nothing is lost, the order holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

from assetlog.producers.spool import SEGMENT_BYTES, Spool
from assetlog.schemas import codec
from assetlog.schemas.errors import Broken, Unavailable
from assetlog.schemas.events.asset import AssetObserved
from assetlog.schemas.shapes import Accepted, Receipt, Rejected


def event(number: int, padding: str = "") -> bytes:
    return codec.encode(
        "asset.observed", "test", f"s3://lake/{number}{padding}", AssetObserved(), event_id=f"{number:06}"
    )


@pytest.fixture
def make_spool(tmp_path: Path) -> Callable[..., Spool]:
    return lambda **options: Spool(
        tmp_path / "spool" / "node", tmp_path / "spool" / "rejected" / "node.ndjson", **options
    )


@pytest.fixture
def spool(make_spool: Callable[..., Spool]) -> Spool:
    return make_spool()


class Log:
    """Takes what is sent, until it is told to fail."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.batches_before_failure = 1_000_000

    def send(self, batch: Sequence[bytes]) -> Receipt:
        if self.batches_before_failure == 0:
            raise Unavailable
        self.batches_before_failure -= 1
        duplicates = [raw in self.events for raw in batch]
        self.events += batch
        return Receipt(
            accepted=[Accepted(id="", position="1-1", duplicate=duplicate) for duplicate in duplicates], ack="disk"
        )


def ids(events: Sequence[bytes]) -> list[int]:
    return [int(codec.decode(raw).id) for raw in events]


def aside(spool: Spool) -> list[dict[str, str]]:
    return [msgspec.json.decode(line) for line in spool.rejected.read_bytes().splitlines()]


def test_what_waits_is_delivered_in_order_and_then_gone(spool: Spool) -> None:
    log = Log()
    spool.append([event(0), event(1)])
    spool.append([event(2)])
    assert spool.pending()
    assert spool.count() == 3
    drained = spool.drain(log.send)
    assert drained is not None
    assert drained.delivered == 3
    assert ids(log.events) == [0, 1, 2]
    assert not spool.pending()
    assert spool.count() == 0


def test_an_empty_spool_has_nothing_to_deliver(spool: Spool) -> None:
    drained = spool.drain(Log().send)
    assert drained is not None
    assert drained.delivered == 0
    assert not spool.directory.exists()


def test_appending_goes_on_after_a_drain(spool: Spool) -> None:
    log = Log()
    for number in range(5):
        spool.append([event(number)])
        spool.drain(log.send)
    assert ids(log.events) == list(range(5))


def test_a_delivery_that_fails_goes_on_where_it_ended(spool: Spool) -> None:
    log = Log()
    padding = "x" * 900
    sent = [event(number, padding) for number in range(12_000)]
    for start in range(0, 12_000, 1_000):
        spool.append(sent[start : start + 1_000])
    log.batches_before_failure = 1
    with pytest.raises(Unavailable):
        spool.drain(log.send)
    assert 0 < len(log.events) < 12_000
    log.batches_before_failure = 1_000
    spool.drain(log.send)
    assert log.events == sent


def test_segments_stay_small(spool: Spool) -> None:
    for start in range(0, 12_000, 1_000):
        spool.append([event(number, "x" * 900) for number in range(start, start + 1_000)])
    sizes = [path.stat().st_size for path in spool.directory.glob("*.ndjson")]
    assert len(sizes) > 2
    assert max(sizes) < SEGMENT_BYTES + 1_200_000


def test_a_torn_last_line_is_set_aside_and_the_rest_delivered(spool: Spool) -> None:
    spool.append([event(0), event(1)])
    [segment] = spool.directory.glob("*.ndjson")
    segment.write_bytes(segment.read_bytes()[:-20])
    log = Log()
    drained = spool.drain(log.send)
    assert drained is not None
    assert (drained.delivered, drained.rejected) == (1, 1)
    [line] = aside(spool)
    assert line["code"] == "torn-line"
    assert '"000001"' in line["event"]


def test_a_damaged_line_in_the_middle_is_set_aside_with_its_reason(spool: Spool) -> None:
    spool.append([event(0), b'{"specversion": "1.0", \x00\x00', event(1)])
    log = Log()
    spool.drain(log.send)
    assert len(log.events) == 2
    assert [line["code"] for line in aside(spool)] == ["malformed-json"]


def test_what_a_log_refuses_goes_aside_with_its_reason(spool: Spool) -> None:
    spool.append([event(0), event(1), event(2)])

    def refuse_the_second(batch: Sequence[bytes]) -> Receipt:
        return Receipt(
            accepted=[Accepted(id="", position="1-1")] * 2,
            ack="disk",
            rejected=[Rejected(index=1, code="too-deep", detail="nested", rule="32 levels")],
        )

    drained = spool.drain(refuse_the_second)
    assert drained is not None
    assert (drained.delivered, drained.rejected) == (2, 1)
    [line] = aside(spool)
    assert (line["code"], line["detail"], line["rule"]) == ("too-deep", "nested", "32 levels")
    assert '"000001"' in line["event"]
    assert not spool.pending()


def test_only_one_process_delivers_at_a_time(make_spool: Callable[..., Spool]) -> None:
    ours, other = make_spool(), make_spool()
    ours.append([event(0)])
    asked: list[object] = []

    def send(batch: Sequence[bytes]) -> Receipt:
        asked.append(other.drain(Log().send))
        return Log().send(batch)

    assert ours.drain(send) is not None
    assert asked == [None]


def test_events_appended_during_a_delivery_are_delivered_too(make_spool: Callable[..., Spool]) -> None:
    ours, other = make_spool(), make_spool()
    ours.append([event(0)])
    other.append([event(1)])
    log = Log()
    pending = [event(2), event(3)]

    def send(batch: Sequence[bytes]) -> Receipt:
        if pending:
            ours.append([pending.pop(0)])
            other.append([pending.pop(0)])
        return log.send(batch)

    ours.drain(send)
    assert sorted(ids(log.events)) == [0, 1, 2, 3]


def test_events_with_an_older_stamp_go_before_what_was_set_apart(spool: Spool) -> None:
    log = Log()
    spool.append([event(0)])
    stamp = spool.stamp()
    spool.append([event(2)], apart=True)
    spool.append([event(1)], stamp)
    spool.append([event(3)])
    spool.drain(log.send)
    assert ids(log.events) == [0, 1, 2, 3]


def test_a_drain_with_a_stamp_leaves_what_is_newer(spool: Spool) -> None:
    log = Log()
    spool.append([event(0)])
    stamp = spool.stamp()
    spool.append([event(1)], apart=True)
    spool.drain(log.send, before=stamp)
    assert len(log.events) == 1
    assert spool.pending()
    assert not spool.pending(before=stamp)


def test_a_full_spool_takes_no_more_and_deletes_nothing(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(limit=1_000)
    spool.append([event(0)])
    with pytest.raises(Broken, match="full") as caught:
        spool.append([event(number) for number in range(1, 10)])
    assert caught.value.code == "spool-full"
    assert spool.count() == 1
    spool.drain(Log().send)
    spool.append([event(1)])


def test_a_spool_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    spool = Spool(tmp_path / "file" / "spool", tmp_path / "rejected")
    assert not spool.pending()
    with pytest.raises(Broken, match="can't be written"):
        spool.append([event(0)])


def test_only_its_user_can_read_a_spool(spool: Spool) -> None:
    spool.append([event(0)])
    assert spool.directory.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in spool.directory.iterdir())


def test_a_kill_amid_appending_and_delivering_loses_nothing(tmp_path: Path, make_spool: Callable[..., Spool]) -> None:
    """Each line the child prints is on disk; kill -9 comes while it appends, and again while it delivers."""
    writer = dedent(
        """
        import sys
        from pathlib import Path
        from assetlog.producers.spool import Spool
        from assetlog.schemas import codec
        from assetlog.schemas.events.asset import AssetObserved
        spool = Spool(Path(sys.argv[1]), Path(sys.argv[2]))
        number = 0
        while True:
            ids = [f"{number + n:06}" for n in range(50)]
            spool.append([codec.encode("asset.observed", "test", "s3://a", AssetObserved(), event_id=id) for id in ids])
            number += 50
            print(number, flush=True)
        """
    )
    spool = make_spool()
    said = _killed_after(writer, [str(spool.directory), str(spool.rejected)], lines=20)
    reader = dedent(
        """
        import sys
        from pathlib import Path
        from assetlog.producers.spool import Spool
        from assetlog.producers.transports import open_transport
        spool = Spool(Path(sys.argv[1]), Path(sys.argv[2]))
        transport = open_transport(sys.argv[3], "default")
        def send(batch):
            receipt = None
            for start in range(0, len(batch), 10):
                receipt = transport.send(batch[start:start + 10])
                print(start, flush=True)
            return receipt
        spool.drain(send)
        """
    )
    target = tmp_path / "events.ndjson"
    _killed_after(reader, [str(spool.directory), str(spool.rejected), target.as_uri()], lines=5)
    log = Log()
    drained = spool.drain(log.send)
    assert drained is not None
    delivered = ids(log.events)
    assert delivered == sorted(delivered)
    first_time = ids(target.read_bytes().splitlines())
    assert {*first_time, *delivered} >= set(range(int(said[-1])))
    assert not spool.pending()


def _killed_after(program: str, arguments: list[str], lines: int) -> list[str]:
    """What a program printed until it was killed after so many lines."""
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    return [line.strip() for line in said if line.endswith("\n")]
