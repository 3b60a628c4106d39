"""Flow runs of Prefect deployments. The trigger's id is the idempotency key: Prefect answers with the run it has."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import msgspec

from assetlog.consumers.deliver.answers import refuse
from assetlog.consumers.deliver.payload import trigger_object
from assetlog.consumers.deliver.secrets import Secrets
from assetlog.consumers.deliver.web import Web
from assetlog.schemas.targets import PrefectTarget
from assetlog.schemas.work import Work


async def deliver(work: Work, target: PrefectTarget, web: Web, secrets: Secrets) -> None:
    """Create a flow run of a deployment; its context tells of the trigger.

    Raises:
        RetryLater: Prefect is busy, and says for how long.
        Unavailable: it did not take the run.
        Broken, Forbidden: a secret cannot be had, or the URL is not allowed.
    """
    told = trigger_object(work)
    parameters = dict(target.parameters)
    if target.trigger_parameter is not None:
        parameters[target.trigger_parameter] = told
    body: dict[str, Any] = {
        "parameters": parameters,
        "context": {"assetlog": told},
        "tags": ["assetlog", f"consumer:{work.consumer}"],
        "idempotency_key": work.trigger,
        "state": {"type": "SCHEDULED"},
    }
    url = f"{target.url.rstrip('/')}/deployments/{quote(target.deployment, safe='')}/create_flow_run"
    answer = await web.post(url, msgspec.json.encode(body), _authorization(target, secrets), within=work.timeout)
    refuse(answer, secrets)


def _authorization(target: PrefectTarget, secrets: Secrets) -> dict[str, str]:
    if target.api_key is not None:
        return {"authorization": secrets.header(f"Bearer {target.api_key}", "target.api_key")}
    if target.basic_auth is not None:
        pair = secrets.find(target.basic_auth, "target.basic_auth")
        return {"authorization": f"Basic {secrets.learn(base64.b64encode(pair.encode()).decode())}"}
    return {}
