"""What users write where a condition is wanted: an asset, a condition, a key, a cron expression, or a list of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions.schedule import cron
from assetlog.schemas.conditions.tree import Condition, all_of, as_node

Declared = Condition | Asset | str | Iterable["Condition | Asset | str"]
"""What `as_condition` understands."""


def as_condition(declared: Declared) -> Condition:
    """The condition somebody means. A list means all of it, as in Airflow; text with ``://`` is a key, other text cron.

    Raises:
        Invalid: it is none of these.

    >>> as_condition(["s3://a", Asset("s3://b")]) == Asset("s3://a") & Asset("s3://b")
    True
    >>> as_condition("@daily").id
    'cron:0 0 * * * UTC'
    """
    if isinstance(declared, str):
        return as_node(Asset(declared)) if "://" in declared else cron(declared)
    if isinstance(declared, Iterable) and not isinstance(declared, Condition | Asset | Mapping | bytes):
        return all_of(*map(as_condition, declared))
    return as_node(declared)
