"""What a trigger runs: a Python function of a worker, a URL, a run of another orchestrator, a stream.

Secrets are never part of a target: it names the environment variable or the file that holds them, on the node.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from assetlog.schemas import explain
from assetlog.schemas.errors import Invalid
from assetlog.schemas.work import TARGETS_POOL

Text = Annotated[str, Meta(min_length=1, max_length=1500)]
Url = Annotated[str, Meta(min_length=8, max_length=4096, pattern="^https?://")]
Secret = Annotated[str, Meta(max_length=1500, pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$")]
"""Where a secret is found on the node: `env:NAME` or `file:/absolute/path`. The node's settings say which it may be."""
UrlOrSecret = Annotated[
    str, Meta(min_length=5, max_length=4096, pattern=r"^(https?://.+|env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$")
]
"""A URL, or where one is found that is a secret itself."""

DELIVERY_ATTEMPTS = 15
"""How often a node tries to deliver a trigger unless the consumer says otherwise."""
DELIVERY_BACKOFF = 5.0
"""The first of its pauses, in seconds: all of them together are over five hours."""

_SHOWN = frozenset({"kind", "function", "pool", "dag", "deployment", "location", "repository", "job", "stream"})
"""The fields whose value an error shows; others may hold a secret."""
_PLACE = "a secret is named by its place on the node, env:NAME or file:/absolute/path"
_RULES = {
    "kind": "a target's kind is python, webhook, airflow, prefect, dagster or stream",
    "url": "the URL begins with http:// or https://; only a webhook's may be a secret's place, env:NAME or file:/path",
    "pool": "a pool's name has 1 to 200 letters, digits, _, . and -",
    "stream": "a stream's key has 1 to 500 characters and does not begin with assetlog:",
    **dict.fromkeys(("secret", "token", "password", "api_key", "basic_auth"), _PLACE),
}


class Target(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"):
    """What a trigger runs."""


class PythonTarget(Target, frozen=True, kw_only=True, tag="python"):
    """A function of a module that a worker runs."""

    function: Text
    """Its name in the module."""
    pool: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$")]
    """The workers' pool: the module's name unless told otherwise."""


class WebhookTarget(Target, frozen=True, kw_only=True, tag="webhook"):
    """A POST to a URL, signed as Standard Webhooks says."""

    url: UrlOrSecret
    """The URL; or where it is found, if whoever knows it may post (Slack, Discord)."""
    secret: Secret | None = None
    """Where the signing secret (`whsec_…`) is; unsigned without one. Two, with a space between, sign twice."""
    headers: dict[str, str] = {}
    """More headers; a value may be a secret's place, also after a word: `Bearer env:NAME`."""
    allow_private: bool = False
    """Whether the URL may lead into a private network; the node's settings must allow it, too."""


class AirflowTarget(Target, frozen=True, kw_only=True, tag="airflow"):
    """A run of an Airflow DAG."""

    url: Url
    """The API server, e.g. `https://airflow.example:8080`."""
    dag: Text
    token: Secret | None = None
    """Where a bearer token is."""
    username: Text | None = None
    password: Secret | None = None
    """Where the password is; with `username` a token is asked from `/auth/token`."""
    conf: dict[str, Any] = {}
    """More for the run's `conf`, beside `assetlog`, which tells of the trigger."""
    partitioned: bool = False
    """Whether a trigger's partition becomes the run's `partition_key`: for partitioned DAGs, others refuse it."""


class PrefectTarget(Target, frozen=True, kw_only=True, tag="prefect"):
    """A flow run of a Prefect deployment."""

    url: Url
    """The API, e.g. `http://prefect.example:4200/api`."""
    deployment: Text
    """The deployment's id."""
    api_key: Secret | None = None
    """Where a Prefect Cloud key is."""
    basic_auth: Secret | None = None
    """Where the server's `user:password` is."""
    parameters: dict[str, Any] = {}
    """The flow's parameters."""
    trigger_parameter: Text | None = None
    """The name of the parameter that is told of the trigger, if the flow has one."""


class DagsterTarget(Target, frozen=True, kw_only=True, tag="dagster"):
    """A run of a Dagster job, or of some of its assets."""

    url: Url
    """The web server, e.g. `http://dagster.example:3000`."""
    location: Text
    """The repository location's name."""
    repository: Text = "__repository__"
    job: Text = "__ASSET_JOB"
    assets: tuple[tuple[str, ...], ...] = ()
    """Paths of the assets to materialize; all of the job's unless given."""
    run_config: dict[str, Any] = {}
    token: Secret | None = None
    """Where a Dagster+ token is."""
    partitioned: bool = True
    """Whether a trigger's partition becomes the run's partition."""


class StreamTarget(Target, frozen=True, kw_only=True, tag="stream"):
    """An entry in a Redis stream of one's own, on the log's server."""

    stream: Annotated[str, Meta(pattern=r"^(?!assetlog:).{1,500}$")]
    """The stream's key; not one of assetlog's."""
    field: Text = "trigger"
    """The entry's field that tells of the trigger, in JSON."""


AnyTarget = PythonTarget | WebhookTarget | AirflowTarget | PrefectTarget | DagsterTarget | StreamTarget


def as_target(value: object) -> AnyTarget:
    """The target that JSON tells.

    Raises:
        Invalid: the kind is unknown, or a field breaks its rule.

    >>> as_target({"kind": "python", "function": "report", "pool": "pipeline"}).pool
    'pipeline'
    """
    try:
        return msgspec.convert(value, AnyTarget)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        raise _invalid(error, value) from None


def pool_of(target: AnyTarget) -> str:
    """The pool of workers that runs it: nodes themselves for all but Python.

    >>> pool_of(WebhookTarget(url="https://example.com"))
    'assetlog-targets'
    """
    return target.pool if isinstance(target, PythonTarget) else TARGETS_POOL


def _invalid(error: msgspec.ValidationError, value: object) -> Invalid:
    """The refusal, with the field it is about; what may be a secret is not shown."""
    told = explain.invalid(error, msgspec.json.encode(value, enc_hook=str), "target")
    field = told.field or "target"
    name = field.removeprefix("target.")
    missing = "missing" in (told.rule or "")
    return Invalid(
        f"The target breaks a rule: {error}.",
        code="invalid-target",
        field=field,
        value=told.value if name in _SHOWN else None,
        rule=told.rule if missing else _RULES.get(name, told.rule),
        hint='E.g. {"kind": "webhook", "url": "https://example.com/hook", "secret": "env:ASSETLOG_SECRET_HOOK"}.',
    )
