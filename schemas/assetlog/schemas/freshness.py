"""How fresh an asset has to be, in the short forms people write."""

from __future__ import annotations

from datetime import timedelta
from math import isfinite

from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.common import Freshness

MaxAgeOrCron = timedelta | float | str
"""The longest time between two materializations (`timedelta`, or seconds), or a cron expression in UTC."""


def freshness_policy(told: Freshness | MaxAgeOrCron) -> Freshness:
    """The policy that somebody declares. Another zone than UTC needs the long form; `Freshness()` is no policy.

    Raises:
        Invalid: an age that is negative or endless, an expression or a zone without the form of one.

    >>> freshness_policy(timedelta(hours=1))
    Freshness(max_age=3600.0, cron=None, time_zone=None)
    >>> freshness_policy("@daily").cron
    '@daily'
    """
    if isinstance(told, Freshness):
        policy = told
    elif isinstance(told, str):
        policy = Freshness(cron=told.strip())
    else:
        policy = Freshness(max_age=told.total_seconds() if isinstance(told, timedelta) else float(told))
    if policy.max_age is not None and not (policy.max_age >= 0 and isfinite(policy.max_age)):
        raise _invalid("freshness.max_age", policy.max_age, "an age is a number of seconds, 0 or more")
    if policy.cron is not None:
        _check_cron(policy.cron, policy.time_zone or "UTC")
    return policy


def _check_cron(expression: str, time_zone: str) -> None:
    from assetlog.schemas.conditions import cron

    try:
        cron(expression, time_zone)
    except Invalid as error:
        field = "freshness.time_zone" if error.field == "cron.time_zone" else "freshness.cron"
        raise _invalid(field, error.value, error.rule or "") from None


def _invalid(field: str, value: object, rule: str) -> Invalid:
    return Invalid(
        f"{field} breaks a rule: {rule}.",
        code="invalid-freshness",
        field=field,
        value=value,
        rule=rule,
        hint='Write freshness=timedelta(hours=1), a number of seconds, or a cron expression such as "0 8 * * MON-FRI".',
    )
