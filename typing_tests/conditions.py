"""Assets and conditions join into conditions. mypy --strict and pyright read this; running it does nothing."""

from __future__ import annotations

from typing import assert_type

from assetlog.producers import Asset
from assetlog.schemas.conditions import AssetAlias, Condition, all_of, as_condition, cron, deadline, evaluate, group

ORDERS = Asset("s3://lake/orders")
USERS = Asset("s3://lake/users")

assert_type(ORDERS & USERS, Condition)
assert_type(ORDERS | AssetAlias("daily"), Condition)
assert_type(group("sales") & ORDERS, Condition)
assert_type((ORDERS & USERS) | deadline("08:00"), Condition)
assert_type(all_of(ORDERS, Asset.matching("s3://raw/*")), Condition)
assert_type(as_condition([ORDERS, "s3://lake/users", cron("@daily")]), Condition)
assert_type(evaluate(ORDERS & USERS, {}).true, bool)

ORDERS & "s3://lake/users"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
