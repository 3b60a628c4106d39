"""The lake: events of a layered data lake, the same for the same seed but for the clock in their ids."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

LAYERS = 12
EVENTS_A_MS = 200
"""How fast the lake's clock runs: ids stay behind the real clock while events are made."""
_BEFORE_ID = '{"specversion":"1.0","id":"'
_ID = slice(len(_BEFORE_ID), len(_BEFORE_ID) + 36)


class Lake:
    """Makes events. The first pass names every asset once, upstreams first; then assets come at random.

    Each asset beyond the first layer is made from one to three assets of the layer before, so that a depth of 10
    reaches hundreds of assets. 96 of 100 events are materializations, two failures, two observations.

    Args:
        assets: how many assets, at least `LAYERS`.
        seed: of everything but the ids' clock.
        scheme: of the keys, so that two lakes can share a catalog.
        start_ms: the clock's start; now unless given.

    >>> lake = Lake(assets=24, start_ms=0)
    >>> lake.keys[0].encode() in lake.event()
    True
    """

    def __init__(self, assets: int, seed: int = 1, *, scheme: str = "s3", start_ms: int | None = None) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - the same events each time are the point
        self._start_ms = int(time.time() * 1000) if start_ms is None else start_ms
        self.made = 0
        """How many events were made."""
        self._width = -(-assets // LAYERS)
        self.keys = [f"{scheme}://lake/layer-{self._layer(n):02d}/orders_{n:06d}.parquet" for n in range(assets)]
        self.upstream = [self._choose(n) for n in range(assets)]
        self._heads = [self._head(n) for n in range(assets)]
        self._jobs = [f"lake_layer_{self._layer(n):02d}.load_orders_{n:06d}" for n in range(assets)]

    def event(self) -> bytes:
        """The next event."""
        chance = self._chance.random
        if self.made < len(self.keys):
            return self._write(self.made, "materialized")
        kind = chance()
        name = "materialized" if kind < 0.96 else "failed" if kind < 0.98 else "observed"
        return self._write(int(chance() * len(self.keys)), name)

    def take(self, count: int) -> list[bytes]:
        """The next events."""
        return [self.event() for _ in range(count)]

    def event_of(self, asset: int) -> bytes:
        """The next event, a materialization of the asset of this number."""
        return self._write(asset, "materialized")

    def _layer(self, asset: int) -> int:
        return asset // self._width

    def _choose(self, asset: int) -> list[int]:
        layer = self._layer(asset)
        if layer == 0:
            return []
        first = (layer - 1) * self._width
        chance = self._chance.random
        return sorted({first + int(chance() * self._width) for _ in range(1 + int(chance() * 3))})

    def _head(self, asset: int) -> tuple[str, str]:
        """What an asset's events have in common: source and subject; upstreams."""
        upstream = ",".join(f'"{self.keys[up]}"' for up in self.upstream[asset])
        source = f"airflow://prod/lake_layer_{self._layer(asset):02d}/load_orders_{asset:06d}"
        head = f'"source":"{source}","subject":"{self.keys[asset]}","dataversion":1,"type":"asset.'
        return head, f'"upstream":[{upstream}],'

    def _write(self, asset: int, kind: str) -> bytes:
        n, self.made = self.made, self.made + 1
        ms = self._start_ms + n // EVENTS_A_MS
        noise = self._chance.randbytes(52).hex()
        event_id = f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{n % EVENTS_A_MS:03x}-8{noise[:3]}-{noise[3:15]}"
        moment = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        head, upstream = self._heads[asset]
        made_from = "" if kind == "observed" else upstream
        begin = f'{_BEFORE_ID}{event_id}","time":"{moment}.{ms % 1000:03d}Z",{head}{kind}","data":{{{made_from}'
        run = f'"run":{{"id":"run-{noise[15:35]}","job":"{self._jobs[asset]}"}}'
        return f"{begin}{run},{_say(kind, n, noise)}}}}}".encode()


def _say(kind: str, n: int, noise: str) -> str:
    """What a kind of event says beside its run."""
    if kind == "failed":
        return f'"error":"ValueError: {n % 1000} rows have no customer","code_version":"{noise[80:]}"'
    facts = f'"metadata":{{"rows":{n * 7919 % 1_000_000},"bytes":{n * 104_729 % 1_000_000_000}'
    if kind == "observed":
        return f"{facts}}}"
    checksum = f'"checksum":"sha256:{noise[16:80]}"'
    return f'{facts},{checksum}}},"partition":"2026-11-{1 + n % 28:02d}","code_version":"{noise[80:]}","by":"spark"'


def id_of(raw: bytes) -> str:
    """The id of a lake's event.

    >>> id_of(Lake(assets=12, start_ms=0).event())[:19]
    '00000000-0000-7000-'
    """
    return raw[_ID].decode()
