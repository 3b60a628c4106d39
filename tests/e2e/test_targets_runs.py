"""Runs of other orchestrators: servers that answer as Airflow 3.3, Prefect 3.8 and Dagster 1.13 were seen to answer."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from assetlog.consumers.deliver.deliverer import Deliverer
from assetlog.consumers.deliver.rules import Rules
from assetlog.consumers.work.outcomes import RetryLater
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.work import Work, WorkEvent

ENVIRONMENT = {
    "ASSETLOG_SECRET_PASSWORD": "pa55word",
    "ASSETLOG_SECRET_TOKEN": "tk-41c9",
    "ASSETLOG_SECRET_PAIR": "me:pa55word",
}
RULES = Rules(allow_private=True, environment=ENVIRONMENT)
TRIGGER = "0199c0de-0000-7000-8000-000000000001"
TOLD = {
    "trigger": TRIGGER,
    "consumer": "report",
    "partition": "2026-11-21",
    "attempt": 1,
    "fired": "2026-11-22T08:00:00.000000Z",
    "position": "1763747570910-0",
    "count": 1,
    "events": [{"position": "1-0", "key": "s3://lake/orders", "partition": "2026-11-21"}],
    "outlets": [],
}


def work(**target: Any) -> Work:
    return Work(
        trigger=TRIGGER,
        consumer="report",
        target=target,
        fired="2026-11-22T08:00:00.000000Z",
        position="1763747570910-0",
        partition="2026-11-21",
        count=1,
        events=(WorkEvent(1 << 20, "s3://lake/orders", "2026-11-21"),),
    )


async def deliver(**target: Any) -> None:
    deliverer = Deliverer(RULES, None, "default")  # type: ignore[arg-type]
    try:
        await deliverer.execute(work(**target))
    finally:
        await deliverer.close()


def reply(status: int, value: Any, *headers: str) -> bytes:
    body = json.dumps(value)
    lines = [f"HTTP/1.1 {status} Some", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


class Airflow:
    """Airflow's API as far as it takes DAG runs: strict bodies, one run of an id, tokens for a password."""

    FIELDS = frozenset(
        {"dag_run_id", "data_interval_start", "data_interval_end", "logical_date", "run_after", "conf", "note"}
        | {"partition_key"}
    )

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Any) -> bytes:
        path, body = request.line.split()[1], json.loads(request.body)
        if path == "/auth/token":
            right = body == {"username": "admin", "password": ENVIRONMENT["ASSETLOG_SECRET_PASSWORD"]}
            return reply(201, {"access_token": "jwt-1"}) if right else reply(401, {"detail": "Invalid credentials"})
        if request.headers.get("authorization") not in ("Bearer jwt-1", "Bearer tk-41c9"):
            return reply(401, {"detail": "Not authenticated"})
        if path != "/api/v2/dags/reports.daily/dagRuns":
            return reply(404, {"detail": "Dag with dag_id: not found"})
        if "logical_date" not in body or not self.FIELDS.issuperset(body):
            return reply(422, {"detail": "Field required, or extra inputs are not permitted"})
        if body["dag_run_id"] in self.runs:
            return reply(409, {"detail": {"reason": "Unique constraint violation"}})
        self.runs[body["dag_run_id"]] = body
        return reply(200, body)


async def test_an_airflow_dag_is_run_once_however_often_it_is_delivered(http_server: Any) -> None:
    airflow = Airflow()
    target = {
        "kind": "airflow",
        "dag": "reports.daily",
        "username": "admin",
        "password": "env:ASSETLOG_SECRET_PASSWORD",
    }
    async with http_server(airflow) as server:
        for _ in range(2):
            await deliver(**target, url=f"{server.url}/", conf={"mode": "full"})
    run = {"dag_run_id": f"assetlog__{TRIGGER}", "logical_date": None, "conf": {"mode": "full", "assetlog": TOLD}}
    assert list(airflow.runs.values()) == [run]
    assert len(server.got) == 4


async def test_a_partitioned_dag_is_given_the_partition(http_server: Any) -> None:
    airflow = Airflow()
    target = {"kind": "airflow", "dag": "reports.daily", "token": "env:ASSETLOG_SECRET_TOKEN", "partitioned": True}
    async with http_server(airflow) as server:
        await deliver(**target, url=server.url)
    assert airflow.runs[f"assetlog__{TRIGGER}"]["partition_key"] == "2026-11-21"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"dag": "nope", "token": "env:ASSETLOG_SECRET_TOKEN"}, "404"),
        ({"dag": "reports.daily"}, "401"),
        ({"dag": "reports.daily", "username": "other", "password": "env:ASSETLOG_SECRET_PASSWORD"}, "Invalid cred"),
        ({"dag": "../../users", "token": "env:ASSETLOG_SECRET_TOKEN"}, "404"),
    ],
)
async def test_what_airflow_refuses_is_a_failed_attempt_in_its_words(
    http_server: Any, fields: dict[str, Any], says: str
) -> None:
    airflow = Airflow()
    async with http_server(airflow) as server:
        with pytest.raises(Unavailable, match=says) as failure:
            await deliver(kind="airflow", url=server.url, **fields)
    assert airflow.runs == {}
    assert "pa55word" not in str(failure.value)


async def test_an_airflow_that_gives_no_token_is_a_failed_attempt(http_server: Any) -> None:
    target = {"kind": "airflow", "dag": "d", "username": "admin", "password": "env:ASSETLOG_SECRET_PASSWORD"}
    answers: dict[str, bytes] = {
        "no access token": reply(201, {"access_token": "a\r\nb: c"}),
        "JSON object": b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html>\r\nlogin",
    }
    for says, body in answers.items():
        async with http_server(lambda _, body=body: body) as server:
            with pytest.raises(Unavailable, match=says):
                await deliver(**target, url=server.url)


class Prefect:
    """Prefect's API as far as it creates flow runs: 201 for a new one, 200 and the same for a known key."""

    DEPLOYMENT = "99e7d69a-a5f1-4600-b296-17149fe16104"

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Any) -> bytes:
        body = json.loads(request.body)
        if request.line.split()[1] != f"/api/deployments/{self.DEPLOYMENT}/create_flow_run":
            return reply(404, {"detail": "Deployment not found"})
        if not isinstance(body["parameters"].get("n", 0), int):
            return reply(409, {"detail": "Error creating flow run: Validation failed for field 'n'"})
        known = body["idempotency_key"] in self.runs
        run = self.runs.setdefault(body["idempotency_key"], body)
        return reply(200 if known else 201, run)


async def test_a_prefect_deployment_is_run_once_however_often_it_is_delivered(http_server: Any) -> None:
    prefect = Prefect()
    target = {"kind": "prefect", "deployment": prefect.DEPLOYMENT, "parameters": {"n": 1}, "trigger_parameter": "why"}
    async with http_server(prefect) as server:
        for _ in range(2):
            await deliver(**target, url=f"{server.url}/api")
    (run,) = prefect.runs.values()
    assert run["parameters"] == {"n": 1, "why": TOLD}
    assert run["context"] == {"assetlog": TOLD}
    assert (run["idempotency_key"], run["state"]) == (TRIGGER, {"type": "SCHEDULED"})
    assert run["tags"] == ["assetlog", "consumer:report"]


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({}, None),
        ({"api_key": "env:ASSETLOG_SECRET_TOKEN"}, "Bearer tk-41c9"),
        ({"basic_auth": "env:ASSETLOG_SECRET_PAIR"}, f"Basic {base64.b64encode(b'me:pa55word').decode()}"),
    ],
)
async def test_prefect_is_asked_as_its_installation_wants_it(
    http_server: Any, fields: dict[str, Any], header: str | None
) -> None:
    prefect = Prefect()
    async with http_server(prefect) as server:
        await deliver(kind="prefect", deployment=prefect.DEPLOYMENT, url=f"{server.url}/api", **fields)
    assert server.got[0].headers.get("authorization") == header


async def test_what_prefect_refuses_is_a_failed_attempt(http_server: Any) -> None:
    prefect = Prefect()
    async with http_server(prefect) as server:
        with pytest.raises(Unavailable, match="Validation failed"):
            await deliver(
                kind="prefect", deployment=prefect.DEPLOYMENT, url=f"{server.url}/api", parameters={"n": "many"}
            )
        with pytest.raises(Unavailable, match="Deployment not found"):
            await deliver(kind="prefect", deployment="nope/../x", url=f"{server.url}/api")
    assert prefect.runs == {}


async def test_a_busy_prefect_says_when_to_come_again(http_server: Any) -> None:
    async with http_server(lambda _: reply(429, {}, "retry-after: 7")) as server:
        with pytest.raises(RetryLater) as later:
            await deliver(kind="prefect", deployment="d", url=server.url)
    assert later.value.seconds == 7


class Dagster:
    """Dagster's GraphQL as far as it finds and launches runs; it has no idempotency key."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.numbers = itertools.count(1)

    def __call__(self, request: Any) -> bytes:
        asked = json.loads(request.body)
        if request.line.split()[1] != "/graphql":
            return reply(404, {})
        if "runsOrError" in asked["query"]:
            return self.find(asked["variables"]["filter"]["tags"])
        return self.launch(asked["variables"]["params"])

    def find(self, tags: list[dict[str, str]]) -> bytes:
        found = [run for run in self.runs if all(tag in run["executionMetadata"]["tags"] for tag in tags)]
        results = [{"runId": run["runId"]} for run in found[:1]]
        return reply(200, {"data": {"runsOrError": {"__typename": "Runs", "results": results}}})

    def launch(self, params: dict[str, Any]) -> bytes:
        job = params["selector"]["jobName"]
        member: dict[str, Any]
        if job == "nope":
            member = {"__typename": "PipelineNotFoundError", "message": "Could not find Pipeline nope."}
        elif job == "strict" and not params["runConfigData"]:
            member = {"__typename": "RunConfigValidationInvalid", "errors": [{"message": 'Missing entry "ops"'}]}
        else:
            run = {"runId": f"run-{next(self.numbers)}"}
            self.runs.append({**run, **params})
            member = {"__typename": "LaunchRunSuccess", "run": run}
        return reply(200, {"data": {"launchRun": member}})


async def test_a_dagster_run_is_launched_once_however_often_it_is_delivered(http_server: Any) -> None:
    dagster = Dagster()
    target = {
        "kind": "dagster",
        "location": "defs.py",
        "assets": [["lake", "report"]],
        "token": "env:ASSETLOG_SECRET_TOKEN",
    }
    async with http_server(dagster) as server:
        for _ in range(2):
            await deliver(**target, url=f"{server.url}/")
    (run,) = dagster.runs
    assert run["selector"] == {
        "repositoryLocationName": "defs.py",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": ["lake", "report"]}],
    }
    assert {tag["key"]: tag["value"] for tag in run["executionMetadata"]["tags"]} == {
        "dagster/run_key": TRIGGER,
        "dagster/partition": "2026-11-21",
        "assetlog/consumer": "report",
        "assetlog/events": "1",
    }
    assert {got.headers["dagster-cloud-api-token"] for got in server.got} == {"tk-41c9"}


async def test_a_dagster_job_takes_its_config_and_no_partition_if_it_has_none(http_server: Any) -> None:
    dagster = Dagster()
    config = {"ops": {"one": {"config": {"n": 1}}}}
    async with http_server(dagster) as server:
        await deliver(kind="dagster", location="l", job="strict", run_config=config, partitioned=False, url=server.url)
    (run,) = dagster.runs
    assert run["runConfigData"] == config
    assert "dagster/partition" not in [tag["key"] for tag in run["executionMetadata"]["tags"]]
    assert "assetSelection" not in run["selector"]


@pytest.mark.parametrize(
    ("job", "says"), [("nope", "PipelineNotFoundError: Could not find"), ("strict", 'Invalid: Missing entry "ops"')]
)
async def test_what_dagster_refuses_is_a_failed_attempt_in_its_words(http_server: Any, job: str, says: str) -> None:
    dagster = Dagster()
    async with http_server(dagster) as server:
        with pytest.raises(Unavailable, match=says):
            await deliver(kind="dagster", location="l", job=job, url=server.url)
    assert dagster.runs == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"errors": [{"message": "Cannot query field"}, {"message": "Syntax"}]}, "Cannot query field; Syntax"),
        ({"data": {"runsOrError": {"__typename": "PythonError", "message": "disk full"}}}, "PythonError: disk full"),
        ({"data": None}, "an error"),
        (["what"], "without a JSON object"),
    ],
)
async def test_a_dagster_that_answers_something_else_launches_nothing(http_server: Any, told: Any, says: str) -> None:
    async with http_server(lambda _: reply(200, told)) as server:
        with pytest.raises(Unavailable, match=says):
            await deliver(kind="dagster", location="l", url=server.url)
    assert len(server.got) == 1


@pytest.mark.parametrize("kind", ["airflow", "prefect", "dagster"])
async def test_an_orchestrator_is_behind_the_same_guard(kind: str, http_server: Any) -> None:
    fields: dict[str, dict[str, Any]] = {
        "airflow": {"dag": "d"},
        "prefect": {"deployment": "d"},
        "dagster": {"location": "l"},
    }
    answer: Callable[[Any], bytes] = lambda _: reply(200, {})  # noqa: E731
    async with http_server(answer) as server:
        deliverer = Deliverer(Rules(), None, "default")  # type: ignore[arg-type]
        with pytest.raises(Exception, match="loopback"):
            await deliverer.execute(work(kind=kind, url=server.url, **fields[kind]))
        await deliverer.close()
    assert server.got == []
