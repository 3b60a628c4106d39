"""Reading assets from the projection into memory, with all that is needed to extend them."""

from __future__ import annotations

from collections import defaultdict

from assetlog.consumers.fold.fold import Bodies, Fold
from assetlog.consumers.fold.hot import HotAsset
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.assets_reader import StateRow, shapes, state_rows
from assetlog.schemas.shapes import Asset

Checks = dict[tuple[str, str | None], bool]


class HotLoader:
    """Reads whole assets; the event's own part comes from the log."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def __call__(self, fold: Fold, wanted: list[int] | None, limit: int) -> list[HotAsset]:
        """The assets of these numbers, or the `limit` most recent ones, the most recent last."""
        access, at = Access(lambda: fold.store.reader, self._bodies), fold.position
        if wanted is None:
            wanted = [aid for (aid,) in access.rows("asset_recent", p=at, limit=limit)]
        if not wanted:
            return []
        rows = state_rows(access, wanted, at)
        checks = _checks(access, wanted, at)
        partitions = _partitions(access, wanted, at)
        answers = shapes(access, rows, at)
        numbers = fold.known.aids
        return [
            _hot(row, answer, checks[row.aid], partitions[row.aid], {key: numbers[key] for key in answer.upstream})
            for row, answer in zip(rows, answers, strict=True)
        ]


def _hot(row: StateRow, answer: Asset, checks: Checks, partitions: set[str], upstream: dict[str, int]) -> HotAsset:
    return HotAsset(
        aid=row.aid,
        shape=answer,
        materialized=row.materialized or 0,
        failed=row.failed or 0,
        overdue_pos=row.overdue_pos or 0,
        retired_pos=row.retired_pos or 0,
        active_pos=row.active_pos or 0,
        checks=checks,
        partitions=partitions,
        upstream=upstream,
    )


def _checks(access: Access, roots: list[int], at: int) -> defaultdict[int, Checks]:
    checks: defaultdict[int, Checks] = defaultdict(dict)
    for aid, name, part, spoils in access.rows("asset_checks", roots=roots, p=at):
        checks[aid][name, part] = spoils
    return checks


def _partitions(access: Access, roots: list[int], at: int) -> defaultdict[int, set[str]]:
    partitions: defaultdict[int, set[str]] = defaultdict(set)
    for aid, part in access.rows("asset_parts", roots=roots, p=at):
        partitions[aid].add(part)
    return partitions
