"""`emit()`: hands an event over in microseconds; a background thread brings it to the log."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import msgspec
from msgspec import Struct

from assetlog.producers.config import Config, read_config
from assetlog.producers.context import current_run
from assetlog.producers.courier import Courier, Delivery
from assetlog.producers.destination import check_destination, connect, spool_of
from assetlog.producers.notices import warn
from assetlog.producers.outbox import LIMIT, Emission, Item, Ticket
from assetlog.producers.sender import EXIT_SECONDS, Sender
from assetlog.producers.spool import SPOOL_BYTES, Drained
from assetlog.producers.values import check_metadata, metadata_raw, to_json
from assetlog.schemas import codec, explain
from assetlog.schemas.asset import Asset
from assetlog.schemas.errors import AssetlogError
from assetlog.schemas.events import EVENT_TYPES
from assetlog.schemas.events.asset import AssetDescribed
from assetlog.schemas.events.common import EMPTY, Data, RunRef
from assetlog.schemas.ids import new_id
from assetlog.schemas.secrets import Redaction, redact


class Emitter:
    """Emits events to one destination. Safe for threads and forks; may be used as a context manager.

    Args:
        url: a node (`http://`), a log server (`redis://`, `unix://`), a file (`file://`) or `memory:`;
            ASSETLOG_URL unless given, else the node of this machine, else the spool.
        source: the events' `source`; ASSETLOG_SOURCE, else `python://<host>/<script>`.
        catalog: the catalog's name.
        strict: raise when the log is unreachable or refuses, instead of keeping events and going on.
        home: the data directory.
        token: sent to a node.
        queue_limit: events in memory.
        spool_limit: bytes of the spool.

    Raises:
        Invalid: the URL or the catalog's name is none.

    >>> with Emitter("memory:doc") as emitter:
    ...     len(emitter.emit("asset.observed", "s3://lake/orders", metadata={"rows": 3}))
    36
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        source: str | None = None,
        catalog: str | None = None,
        strict: bool | None = None,
        home: Path | str | None = None,
        token: str | None = None,
        queue_limit: int = LIMIT,
        spool_limit: int = SPOOL_BYTES,
    ) -> None:
        given: dict[str, Any] = {"url": url, "source": source, "catalog": catalog, "strict": strict, "token": token}
        given["home"] = None if home is None else Path(home)
        explicit = {name: value for name, value in given.items() if value is not None}
        self.config: Config = msgspec.structs.replace(read_config(), **explicit)
        check_destination(msgspec.structs.replace(self.config, url=url, catalog=catalog))
        spool = spool_of(self.config)
        spool.limit = spool_limit
        self._courier = Courier(self._connect, spool)
        self._sender = Sender(self._courier, queue_limit)
        self._described: set[tuple[str, bytes]] = set()
        run_id = self.config.run_id
        self.ambient_run: RunRef | None = RunRef(id=run_id, job=self.config.job) if run_id else None
        """The run that this process is part of, by `assetlog run`."""
        _emitters.add(self)

    @overload
    def emit(
        self,
        event_type: str,
        subject: str | Asset | None = None,
        data: Data | Mapping[str, Any] | None = None,
        *,
        wait: Literal[False] = False,
        timeout: float = 30.0,
        event_id: str | None = None,
        time: str | None = None,
        causation_id: str | None = None,
        **fields: Any,
    ) -> str: ...

    @overload
    def emit(
        self,
        event_type: str,
        subject: str | Asset | None = None,
        data: Data | Mapping[str, Any] | None = None,
        *,
        wait: Literal[True],
        timeout: float = 30.0,
        event_id: str | None = None,
        time: str | None = None,
        causation_id: str | None = None,
        **fields: Any,
    ) -> Emission: ...

    def emit(
        self,
        event_type: str,
        subject: str | Asset | None = None,
        data: Data | Mapping[str, Any] | None = None,
        *,
        wait: bool = False,
        timeout: float = 30.0,
        event_id: str | None = None,
        time: str | None = None,
        causation_id: str | None = None,
        **fields: Any,
    ) -> str | Emission:
        """Emit one event and return its id; with `wait`, what became of it.

        Args:
            event_type: e.g. `asset.materialized`; see the event reference.
            subject: the asset's or artifact's key, the run's id.
            data: the type's Struct, or a mapping; `fields` are more of it by name.
            timeout: seconds to wait, with `wait`.
            event_id: unless a fresh UUIDv7 is wanted. The same id again is the same event.
            time: when it happened (RFC 3339), unless now.

        Raises:
            Invalid: a programming error: an unknown type or field, a bad key, a value of the wrong type.
            AssetlogError: in strict mode, the log can't be reached or refuses events.
        """
        key = subject.key if isinstance(subject, Asset) else subject
        event_id = event_id or new_id()
        raw = codec.encode(
            event_type,
            self.config.source,
            key,
            self._in_run(_data_of(event_type, data, fields)),
            event_id=event_id,
            time=time,
            causation_id=causation_id,
        )
        clean = self._redacted(raw)
        if wait:
            emission = self._await(clean.raw, event_id, timeout)
            return msgspec.structs.replace(emission, redacted=clean.struck) if clean.struck else emission
        self.put(clean.raw)
        return event_id

    def put(self, raw: bytes) -> None:
        """Hand over an event's bytes as they are.

        Raises:
            AssetlogError: in strict mode, an earlier event failed.
        """
        self._sender.put(Item(raw))
        self._raise_if_strict()

    def record(self, event_type: str, subject: str | None, data: Data, *, checked: bool = False) -> None:
        """Emit from inside a user's task: whatever is wrong is logged, not raised, unless strict.

        Args:
            checked: nothing in it comes from the user but what was checked when it was declared; it is not read again.
        """
        try:
            raw = codec.encode(event_type, self.config.source, subject, data)
            self.put(raw if checked else self._redacted(raw).raw)
        except Exception as error:
            if self.config.strict:
                raise
            warn("The event %s of %s is not emitted: %s", event_type, subject, error)

    def record_failure(self, event_type: str, subject: str, data: Data) -> None:
        """Like `record`, while a user's exception is on its way: nothing takes its place, not even in strict mode."""
        try:
            self.record(event_type, subject, data)
        except Exception as error:
            warn("The event %s of %s is not emitted: %s", event_type, subject, error)

    def describe(self, asset: Asset) -> None:
        """Emit what an asset's declaration says of it, once per content."""
        known = asset.properties.known()
        if not known:
            return
        fingerprint = (asset.key, to_json(known)[0])
        if fingerprint not in self._described:
            self._described.add(fingerprint)
            if "extra" in known:
                known["extra"] = metadata_raw(known["extra"])
            self.record("asset.described", asset.key, AssetDescribed(**known, run=self.run()))

    def deliver(self, events: Sequence[bytes]) -> Delivery:
        """Bring events' bytes to the log, or to the spool, in this thread; what came of them. Never raises.

        Args:
            events: whole events, as many as `transports.batches` gives at once.
        """
        return self._courier.deliver(events, self._courier.spool.stamp())

    def drain(self) -> Drained:
        """Deliver what waits in the spool now.

        Raises:
            AssetlogError: the log can't be reached, or another process drains.
        """
        self._courier.hurry()
        drained = self._courier.drain()
        drained.left = self._courier.spool.count()
        return drained

    @property
    def has_node(self) -> bool:
        """Whether events go to a node, which can be read and keeps images; not so with a log server or a file."""
        return self.config.url is None or self.config.url.lower().startswith(("http://", "https://"))

    @property
    def position(self) -> str | None:
        """The last position that the log acknowledged to this process, None for none."""
        return self._courier.position

    def keep_image(self, content: bytes) -> None:
        """Keep an image for the node; it gets it before any event that is emitted from now on.

        Raises:
            Broken: the disk does not take it.
        """
        self._courier.images.keep(content)

    def run(self) -> RunRef | None:
        """The run that events emitted here belong to: of `run(...)` or `@materialize`, else of `assetlog run`."""
        return current_run.get() or self.ambient_run

    def flush(self, timeout: float | None = 30.0) -> bool:
        """Wait until all that was emitted is in the log; False if it is not: it waits in the spool or in memory.

        Raises:
            AssetlogError: in strict mode, if it is not.
        """
        ticket = Ticket()
        self._sender.put(Item(b"", ticket))
        done = ticket.done.wait(timeout) and ticket.in_log
        self._raise_if_strict()
        return done

    def close(self, timeout: float = EXIT_SECONDS) -> None:
        """Send what is left, or put it into the spool when time runs out. What is emitted later goes to the spool.

        Raises:
            AssetlogError: in strict mode, an event is not in the log.
        """
        self._sender.close(timeout)
        _emitters.discard(self)
        self._raise_if_strict()

    def __enter__(self) -> Emitter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> Any:
        return connect(self.config)

    def _redacted(self, raw: bytes) -> Redaction:
        """An event's bytes, checked, and without what looks like a secret.

        Raises:
            Invalid: it breaks a rule.
        """
        event = codec.decode(raw)
        if not self.config.redact:
            return Redaction(raw, 0)
        clean = redact(raw, event)
        if clean.struck:
            warn(
                "%d %s in the %s of %s looked like a secret: struck out (ASSETLOG_REDACT_SECRETS=off keeps such).",
                clean.struck,
                "value" if clean.struck == 1 else "values",
                event.type,
                event.subject,
            )
        return clean

    def _in_run(self, data: Data) -> Data:
        """Data that names its run, where its type has one and it names none."""
        run = self.run()
        if run is None or getattr(data, "run", run) is not None:
            return data
        return msgspec.structs.replace(data, run=run)

    def _await(self, raw: bytes, event_id: str, timeout: float) -> Emission:
        ticket = Ticket()
        self._sender.put(Item(raw, ticket))
        ticket.done.wait(timeout)
        self._raise_if_strict()
        return ticket.emission or Emission(id=event_id, ack="pending", reason=f"no answer within {timeout:g} s")

    def _raise_if_strict(self) -> None:
        failure = self._sender.failure
        if failure is not None and self.config.strict:
            self._sender.failure = None
            raise failure


def _data_of(event_type: str, data: Data | Mapping[str, Any] | None, fields: Mapping[str, Any]) -> Data:
    """An event's data as its Struct."""
    known = EVENT_TYPES.get(event_type)
    if known is None:
        raise explain.unknown_type(event_type, EVENT_TYPES)
    if isinstance(data, Struct):
        return msgspec.structs.replace(data, **fields) if fields else data
    values = {**(data or {}), **fields}
    metadata = values.get("metadata")
    if metadata is not None:
        check_metadata(metadata)
        values["metadata"] = metadata_raw(metadata)
    raw = to_json(values)[0] if values else EMPTY
    try:
        return msgspec.json.decode(raw, type=known.data)
    except msgspec.ValidationError as error:
        raise explain.invalid(error, bytes(raw), "data", known.data) from None


_emitters: set[Emitter] = set()
"""All that are not closed: flushed at exit, begun anew in a forked child."""
_default: Emitter | None = None
_default_lock = threading.Lock()
_of_parents: list[object] = []
"""What a child inherited and must not finalize: connections that the parent still uses."""


def default_emitter() -> Emitter:
    """The emitter that `emit`, `@materialize` and the rest use; made from the environment at first use."""
    return _default or _made_default()


def _made_default() -> Emitter:
    global _default  # noqa: PLW0603 - one default per process
    with _default_lock:
        _default = _default or Emitter()
        return _default


def set_default_emitter(emitter: Emitter | None) -> Emitter | None:
    """Use this emitter from now on; None: one made from the environment at the next use. Returns the one before."""
    global _default
    with _default_lock:
        before, _default = _default, emitter
    return before


def emit(
    event_type: str, subject: str | Asset | None = None, data: Data | Mapping[str, Any] | None = None, **fields: Any
) -> str:
    """Emit one event by the default emitter and return its id; see `Emitter.emit`.

    >>> from assetlog.producers.testing import capture
    >>> with capture():
    ...     len(emit("asset.observed", "s3://lake/orders", metadata={"rows": 1024}))
    36
    """
    event_id: str = default_emitter().emit(event_type, subject, data, **fields)
    return event_id


def flush(timeout: float | None = 30.0) -> bool:
    """Wait until all that the default emitter emitted is in the log; see `Emitter.flush`."""
    return _default is None or _default.flush(timeout)


@atexit.register
def _close_all() -> None:
    for emitter in list(_emitters):
        try:
            emitter.close()
        except AssetlogError as error:  # strict, and nobody left to raise to
            warn("Events are not in the log: %s", error)


def _forget_parents() -> None:
    global _default_lock  # noqa: PLW0603 - a lock held during fork would stay held in the child
    _default_lock = threading.Lock()
    _of_parents.extend(emitter._sender.forget() for emitter in _emitters)  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
