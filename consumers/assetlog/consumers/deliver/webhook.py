"""Webhooks, signed as Standard Webhooks says: the id is the trigger's, so every attempt has the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from assetlog.consumers.deliver.answers import failure, refuse
from assetlog.consumers.deliver.payload import message
from assetlog.consumers.deliver.secrets import Secrets, missing
from assetlog.consumers.deliver.web import Web
from assetlog.consumers.work.outcomes import Exhausted
from assetlog.schemas.targets import WebhookTarget
from assetlog.schemas.work import Work

GONE = 410


async def deliver(
    work: Work, target: WebhookTarget, web: Web, secrets: Secrets, clock: Callable[[], float] = time.time
) -> None:
    """POST a trigger to a webhook.

    Raises:
        Exhausted: it answered 410, it is gone.
        RetryLater: it is busy, and says for how long.
        Unavailable: it did not take it.
        Broken, Forbidden: a secret cannot be had, or the URL is not allowed.
    """
    url = target.url if target.url.startswith("http") else secrets.find(target.url, "target.url")
    body = message(work)
    headers = {name.lower(): secrets.header(value, f"target.headers.{name}") for name, value in target.headers.items()}
    headers |= {"webhook-id": work.trigger, "webhook-timestamp": str(int(clock()))}
    if target.secret is not None:
        key = secrets.find(target.secret, "target.secret")
        headers["webhook-signature"] = signatures(key, work.trigger, int(headers["webhook-timestamp"]), body, target)
    answer = await web.post(url, body, headers, private=target.allow_private, within=work.timeout)
    if answer.status == GONE:
        raise Exhausted(str(failure(answer, secrets)))
    refuse(answer, secrets)


def signatures(key: str, id: str, timestamp: int, body: bytes, target: WebhookTarget) -> str:  # noqa: A002 - the header's word
    """The value of `webhook-signature`: one signature for each of the keys, while one replaces another.

    Raises:
        Broken: a key is not one of Standard Webhooks.
    """
    moment = datetime.fromtimestamp(timestamp, UTC)
    try:
        return " ".join(Webhook(one).sign(id, moment, body.decode()) for one in key.split())
    except Exception:  # the library's own error for an empty key is not public
        rule = "it is no signing secret: whsec_ and base64"
        raise missing(target.secret or "", "target.secret", rule) from None
