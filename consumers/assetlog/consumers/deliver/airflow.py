"""Runs of Airflow DAGs. The run's id is made of the trigger's, so a second attempt finds the run already there."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import msgspec

from assetlog.consumers.deliver.answers import object_in, refuse, shown
from assetlog.consumers.deliver.payload import trigger_object
from assetlog.consumers.deliver.secrets import Secrets
from assetlog.consumers.deliver.web import Web
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.targets import AirflowTarget
from assetlog.schemas.work import Work

EXISTS: Final = 409


def run_id(work: Work) -> str:
    """The DAG run's id.

    >>> run_id(Work(trigger="0199", consumer="c", target={}, fired="", position="1-0"))
    'assetlog__0199'
    """
    return f"assetlog__{work.trigger}"


async def deliver(work: Work, target: AirflowTarget, web: Web, secrets: Secrets) -> None:
    """Start a run of a DAG.

    Raises:
        RetryLater: Airflow is busy, and says for how long.
        Unavailable: it did not take the run.
        Broken, Forbidden: a secret cannot be had, or the URL is not allowed.
    """
    base = target.url.rstrip("/")
    headers = await _authorization(target, base, web, secrets, work.timeout)
    body: dict[str, Any] = {
        "dag_run_id": run_id(work),
        "logical_date": None,
        "conf": {**target.conf, "assetlog": trigger_object(work)},
    }
    if target.partitioned and work.partition is not None:
        body["partition_key"] = work.partition
    url = f"{base}/api/v2/dags/{quote(target.dag, safe='')}/dagRuns"
    answer = await web.post(url, msgspec.json.encode(body), headers, within=work.timeout)
    refuse(answer, secrets, done={EXISTS})


async def _authorization(
    target: AirflowTarget, base: str, web: Web, secrets: Secrets, within: float | None
) -> dict[str, str]:
    if target.token is not None:
        return {"authorization": secrets.header(f"Bearer {target.token}", "target.token")}
    if target.username is None or target.password is None:
        return {}
    login = {"username": target.username, "password": secrets.find(target.password, "target.password")}
    answer = await web.post(f"{base}/auth/token", msgspec.json.encode(login), {}, within=within)
    refuse(answer, secrets)
    token = object_in(answer, secrets).get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        text = f"Airflow gave no access token: {shown(answer.body, secrets)}."
        raise Unavailable(text, code="target-refused", field="target.password")
    return {"authorization": f"Bearer {secrets.learn(token)}"}
