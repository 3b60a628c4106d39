"""The parts of an asset's card."""

from __future__ import annotations

from collections.abc import Sequence

from assetlog.catalog.cli import output
from assetlog.catalog.cli.event_text import brief, facts, raw_facts
from assetlog.catalog.cli.moments import duration
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.shapes import Asset, Check, Occurrence, Partition

PARTITIONS = (
    Column("state", keep=True),
    Column("partition"),
    Column("last materialized", keep=True),
    Column("count", right=True),
    Column("failed", right=True),
)


def print_asset(asset: Asset) -> None:
    """What it is, how it is, where it stands in the lineage."""
    output.say(Styled(asset.key, "bold"), "  ", output.state("retired" if asset.retired else asset.state))
    about = " · ".join(filter(None, (asset.name, asset.kind, asset.group)))
    if about:
        output.say(f"  {about}")
    if asset.description:
        output.say()
        output.say("  " + asset.description.strip().replace("\n", "\n  "))
    output.say()
    output.pairs(_pairs(asset))


def print_checks(checks: Sequence[Check]) -> None:
    """The newest result of each check."""
    if not checks:
        return
    output.heading("checks")
    for check in checks:
        glyph = Styled("✔ passed", "green") if check.passed else Styled("✖ failed", "red")
        partition = f" [{check.partition}]" if check.partition else ""
        severity = "" if check.passed or check.severity == "error" else " (a warning)"
        told = facts(raw_facts(check.metadata))
        output.say("  ", glyph, f"  {check.name}{partition}{severity}", Styled(f"  {told}", "dim"))


def print_partitions(partitions: Sequence[Partition], total: int) -> None:
    """The partitions, and how many there are."""
    output.heading(f"partitions ({total})")
    output.table(PARTITIONS, (_partition_row(partition) for partition in partitions), indent=2)


def _pairs(asset: Asset) -> list[tuple[str, Cell | list[Cell]]]:
    return [
        ("state", asset.state_reason or ""),
        ("materialized", _occurrence(asset.last_materialization)),
        ("failed", _occurrence(asset.last_failure)),
        ("counts", _counts(asset)),
        ("first seen", output.when(asset.first_seen.time)),
        ("made from", list[Cell](asset.upstream)),
        ("used by", list[Cell](asset.downstream)),
        ("produced by", ", ".join(asset.produced_by)),
        ("consumed by", ", ".join(asset.consumed_by)),
        ("owners", ", ".join(asset.owners)),
        ("tags", " ".join(f"{name}:{value}" for name, value in asset.tags.items())),
        ("url", asset.url or ""),
        ("also known as", list[Cell](asset.aliases)),
    ]


def _counts(asset: Asset) -> str:
    counts = (
        (asset.materializations, "materialization"),
        (asset.failures, "failure"),
        (asset.observations, "observation"),
    )
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)


def _occurrence(occurrence: Occurrence | None) -> list[Cell]:
    if occurrence is None:
        return []
    words = [output.when(occurrence.time)]
    words += [f"partition {occurrence.partition}"] if occurrence.partition else []
    words += [f"took {duration(occurrence.duration)}"] if occurrence.duration is not None else []
    words += [f"by {occurrence.by}"] if occurrence.by else []
    lines: list[Cell] = ["  ".join(str(word if isinstance(word, str) else word.text) for word in words)]
    if occurrence.run:
        lines.append(Styled(f"run {occurrence.run.job or ''} {occurrence.run.id}".replace("  ", " "), "dim"))
    if occurrence.error:
        lines.append(Styled(occurrence.error, "red"))
    lines += [f"{name} {brief(value)}" for name, value in raw_facts(occurrence.metadata).items()]
    return lines


def _partition_row(partition: Partition) -> list[Cell]:
    last = partition.last_materialization
    return [
        output.state(partition.state),
        partition.partition,
        output.when(last.time if last else None),
        str(partition.materializations),
        str(partition.failures or ""),
    ]
