"""Runs of Dagster jobs, by GraphQL. It keeps no idempotency key: a run with the trigger's tag is looked for first."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from assetlog.consumers.deliver.answers import MAX_SHOWN, object_in, refuse, shown
from assetlog.consumers.deliver.secrets import Secrets
from assetlog.consumers.deliver.web import Answer, Web
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.targets import DagsterTarget
from assetlog.schemas.work import Work

RUN_KEY: Final = "dagster/run_key"
PARTITION: Final = "dagster/partition"

_FIND: Final = """query($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 1) {
    __typename ... on Runs { results { runId } } ... on Error { message }
  }
}"""
_LAUNCH: Final = """mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on Error { message }
  }
}"""


async def deliver(work: Work, target: DagsterTarget, web: Web, secrets: Secrets) -> None:
    """Launch a run, unless there is one with the trigger's tag.

    Raises:
        RetryLater: Dagster is busy, and says for how long.
        Unavailable: it did not take the run.
        Broken, Forbidden: a secret cannot be had, or the URL is not allowed.
    """
    headers = {}
    if target.token is not None:
        headers["dagster-cloud-api-token"] = secrets.header(target.token, "target.token")

    async def ask(query: str, variables: dict[str, Any], field: str, wanted: str) -> dict[str, Any]:
        body = msgspec.json.encode({"query": query, "variables": variables})
        answer = await web.post(f"{target.url.rstrip('/')}/graphql", body, headers, within=work.timeout)
        return _result(answer, secrets, field, wanted)

    found = await ask(_FIND, {"filter": {"tags": [_tag(RUN_KEY, work.trigger)]}}, "runsOrError", "Runs")
    if not found.get("results"):
        await ask(_LAUNCH, {"params": _parameters(work, target)}, "launchRun", "LaunchRunSuccess")


def _parameters(work: Work, target: DagsterTarget) -> dict[str, Any]:
    tags = {RUN_KEY: work.trigger, "assetlog/consumer": work.consumer, "assetlog/events": str(work.count)}
    if target.partitioned and work.partition is not None:
        tags[PARTITION] = work.partition
    selector: dict[str, Any] = {
        "repositoryLocationName": target.location,
        "repositoryName": target.repository,
        "jobName": target.job,
    }
    if target.assets:
        selector["assetSelection"] = [{"path": list(path)} for path in target.assets]
    return {
        "selector": selector,
        "runConfigData": target.run_config,
        "executionMetadata": {"tags": [_tag(key, value) for key, value in tags.items()]},
    }


def _tag(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def _result(answer: Answer, secrets: Secrets, field: str, wanted: str) -> dict[str, Any]:
    """The one member of GraphQL's answer that was asked for; any other is an error in words."""
    refuse(answer, secrets)
    told = object_in(answer, secrets)
    data = told.get("data")
    result = data.get(field) if isinstance(data, dict) else None
    if isinstance(result, dict) and result.get("__typename") == wanted:
        return result
    kind = result.get("__typename", "an error") if isinstance(result, dict) else "an error"
    why = secrets.struck(_messages(result) or _messages(told) or shown(answer.body, secrets))[:MAX_SHOWN]
    raise Unavailable(f"Dagster answered with {kind}: {why}.", code="target-refused")


def _messages(value: Any) -> str:
    """The messages of GraphQL's errors."""
    if not isinstance(value, dict):
        return ""
    errors = value.get("errors")
    many = [value, *errors] if isinstance(errors, list) else [value]
    return "; ".join(str(one["message"]) for one in many if isinstance(one, dict) and one.get("message"))
