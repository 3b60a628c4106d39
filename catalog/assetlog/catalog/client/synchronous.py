"""The client for scripts and notebooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeVar

from assetlog.catalog.client import asking
from assetlog.catalog.client.asking import LISTS, Moment
from assetlog.catalog.client.following import PATIENCE_SECONDS, Following
from assetlog.catalog.client.listings import Listing
from assetlog.catalog.client.scheduling import Scheduling
from assetlog.catalog.sse import Message, read_messages
from assetlog.schemas.artifact_shapes import ArtifactChange, ArtifactDiff
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.shapes import (
    Alias,
    Artifact,
    Asset,
    Check,
    Diff,
    EventShape,
    Group,
    Job,
    Lineage,
    Page,
    Partition,
    Quarantined,
    RunShape,
    TreeNode,
)

Item = TypeVar("Item")
Shape = TypeVar("Shape")


class Client(Scheduling):
    """Reads a node, for now and for any moment of the past.

    Args:
        url: the node, e.g. `http://127.0.0.1:8470`; unless given, `ASSETLOG_URL`, else the node of this machine.
        token: sent as a bearer token to a given URL or to this machine; unless given, `ASSETLOG_TOKEN`, the file that
            `ASSETLOG_TOKEN_FILE` names, or `token` in the data directory (that one to this machine only).
        home: the data directory whose node is meant; unless given, `ASSETLOG_HOME`, else `~/.assetlog`.
        timeout: seconds to wait for an answer.

    Every method raises the errors of `assetlog.schemas.errors` that the node answers with, and `Unavailable` when no
    node answers. Lists take `limit` (at most 1,000) and `cursor`; `each_*` walk all parts, and so do the frames:
    `client.assets(state="failed").to_pandas()`.
    """

    def asset(self, key: str, as_of: Moment = None) -> Asset:
        """One asset. Raises NotFound for a key that no event names as of that moment."""
        return self.read("/v1/asset", Asset, key=key, as_of=as_of)

    def assets(self, as_of: Moment = None, **filters: Any) -> Listing[Asset]:
        """Assets by `q`, `prefix`, `scheme`, `group`, `tag`, `owner`, `state`; `sort`, `limit`, `cursor`."""
        return self._listing("assets", Asset, as_of, filters)

    def each_asset(self, as_of: Moment = None, **filters: Any) -> Iterator[Asset]:
        """Every asset that the filters of `assets` let through."""
        return self.each(LISTS["assets"], Asset, as_of=as_of, **filters)

    def asset_events(self, key: str, as_of: Moment = None, **filters: Any) -> Listing[EventShape]:
        """The events of one asset, newest first."""
        return self._listing("asset_events", EventShape, as_of, {"key": key, **filters})

    def partitions(self, key: str, as_of: Moment = None, **filters: Any) -> Listing[Partition]:
        """The partitions of one asset."""
        return self._listing("partitions", Partition, as_of, {"key": key, **filters})

    def checks(self, key: str, as_of: Moment = None, **filters: Any) -> Listing[Check]:
        """The newest result of each check of one asset."""
        return self._listing("checks", Check, as_of, {"key": key, **filters})

    def tree(self, prefix: str = "", as_of: Moment = None) -> list[TreeNode]:
        """The steps below a prefix of the key tree: schemes first, then path segments."""
        return self.read(LISTS["tree"], Page[TreeNode], prefix=prefix, as_of=as_of).items

    def lineage(
        self,
        key: str,
        direction: str = "both",
        depth: int | None = None,
        as_of: Moment = None,
        *,
        columns: bool | None = None,
    ) -> Lineage:
        """What an asset was made from (`up`) and what was made from it (`down`); with `columns`, theirs, too."""
        asked: dict[str, Any] = {"key": key, "direction": direction, "depth": depth, "columns": columns}
        return self.read("/v1/lineage", Lineage, **asked, as_of=as_of)

    def graph(self, as_of: Moment = None, *, limit: int | None = None) -> Lineage:
        """The whole graph of assets; `truncated` says whether `limit` (10,000 unless given) cut it."""
        return self.read("/v1/graph", Lineage, limit=limit, as_of=as_of)

    def groups(self, as_of: Moment = None, **filters: Any) -> Listing[Group]:
        """The groups of assets."""
        return self._listing("groups", Group, as_of, filters)

    def aliases(self, as_of: Moment = None, **filters: Any) -> Listing[Alias]:
        """Run-time aliases and the assets they stood for."""
        return self._listing("aliases", Alias, as_of, filters)

    def artifacts(self, as_of: Moment = None, **filters: Any) -> Listing[Artifact]:
        """The newest version of each artifact, by `q`, `type`, `asset`, `run`; `limit`, `cursor`."""
        return self._listing("artifacts", Artifact, as_of, filters)

    def artifact(self, key: str, version: int | None = None, as_of: Moment = None) -> Artifact:
        """One artifact: its newest version unless one is given."""
        return self.read("/v1/artifact", Artifact, key=key, version=version, as_of=as_of)

    def artifact_versions(self, key: str, as_of: Moment = None, **filters: Any) -> Listing[Artifact]:
        """Every version of an artifact, newest first."""
        return self._listing("artifact_versions", Artifact, as_of, {"key": key, **filters})

    def artifact_history(self, key: str, as_of: Moment = None, **filters: Any) -> Listing[ArtifactChange]:
        """What happened to an artifact's newest version, or the one of `version`; newest first."""
        return self._listing("artifact_history", ArtifactChange, as_of, {"key": key, **filters})

    def artifact_diff(
        self, key: str, from_: int | None = None, to: int | None = None, as_of: Moment = None
    ) -> ArtifactDiff:
        """What is different between two versions of an artifact: the newest and the one before unless given."""
        return self.read("/v1/artifact/diff", ArtifactDiff, key=key, as_of=as_of, **{"from": from_, "to": to})

    def image(self, artifact: Artifact) -> bytes:
        """The image that an artifact shows, if the catalog keeps it.

        Raises:
            Invalid: the catalog has only its URL, or the artifact is no image.
        """
        kept = asking.kept_image(artifact)
        return kept if isinstance(kept, bytes) else self.fetch(kept, artifact=artifact.id)

    def runs(self, as_of: Moment = None, **filters: Any) -> Listing[RunShape]:
        """Runs by `job`, `state`, `asset`; `limit`, `cursor`. Newest first."""
        return self._listing("runs", RunShape, as_of, filters)

    def run(self, run_id: str, as_of: Moment = None) -> RunShape:
        """One run, with the runs it started."""
        return self.read("/v1/run", RunShape, id=run_id, as_of=as_of)

    def jobs(self, as_of: Moment = None, **filters: Any) -> Listing[Job]:
        """What is executed, by name."""
        return self._listing("jobs", Job, as_of, filters)

    def diff(self, from_: Moment, to: Moment = None, **filters: Any) -> Diff:
        """What changed between two moments; `to` is now unless given."""
        return self.read(LISTS["diff"], Diff, from_=from_, to=to, **filters)

    def quarantine(self, as_of: Moment = None, **filters: Any) -> Listing[Quarantined]:
        """The events that the fold could not take."""
        return self._listing("quarantine", Quarantined, as_of, filters)

    def events(self, as_of: Moment = None, **filters: Any) -> Listing[EventShape]:
        """Events by `after`, `before`, `type`, `asset`, `run`; `order` is `asc` or `desc`; `limit`, `cursor`."""
        return self._listing("events", EventShape, as_of, filters)

    def each_event(self, as_of: Moment = None, *, limit: int | None = None, **filters: Any) -> Iterator[EventShape]:
        """Every event that the filters of `events` let through, at most `limit` of them."""
        return self.each(LISTS["events"], EventShape, limit=limit, as_of=as_of, **filters)

    def follow(
        self, after: str | None = None, *, patience: float = PATIENCE_SECONDS, **filters: Any
    ) -> Iterator[EventShape]:
        """Events as they are folded, for ever; each exactly once, also over lost connections and node restarts.

        Args:
            after: begin behind this position; unless given, with what comes next.
            patience: seconds that the node may be away before `Unavailable` is raised.
            filters: `type`, `asset`, `run`.
        """
        following = Following(after or self.position(), patience)
        while True:
            try:
                for message in self._messages(following, filters):
                    event = following.took(message)
                    if event is not None:
                        yield event
            except Unavailable as error:
                following.lost(error)
            time.sleep(following.pause())

    def _messages(self, following: Following, filters: dict[str, Any]) -> Iterator[Message]:
        import httpx

        try:
            with self._http.stream("GET", **following.request(filters)) as answer:
                if not answer.is_success:
                    answer.read()
                asking.checked(answer)
                yield from read_messages(answer.iter_bytes())
        except httpx.TransportError as error:
            raise asking.unreachable(self.node.url, error) from None
