"""Topics and subscriptions of the event flow, by Pub/Sub's REST: any emulator will do."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alfred_dev.catalog.topology import CREATED, FLOW, subscription_of, wanted
from alfred_dev.embedded.peers import Peer, PeerError

PULL_TIMEOUT_S = 100.0  # an emulator answers an empty pull when it likes
BATCH = 10
_EXISTS, _GONE = 409, 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One delivery. ``tries``: which one it is, from 1; 0 where the emulator does not count."""

    ack_id: str
    data: Any
    attributes: Mapping[str, str]
    tries: int


class Topics:
    """The emulator, as the stand-ins use it. Everything raises PeerError."""

    def __init__(self, peer: Peer, project: str) -> None:
        self.peer, self._base = peer, f"/v1/projects/{project}"
        self._project = project
        self._complete = False

    async def ensure(self) -> None:
        """Make the topics and everybody's subscriptions, where they are not there.

        Everybody's, whoever comes first: what is published before a subscription is there never
        reaches it.
        """
        for one in wanted(FLOW, self._project):
            await self._make(f"/v1/{one.path}", one.body)
        self._complete = True

    def lost(self) -> None:
        """Hear that the emulator was away, and may have forgotten everything."""
        self._complete = False

    async def _make(self, path: str, body: object) -> None:
        try:
            await self.peer.call("PUT", path, body, what="")
        except PeerError as error:
            if error.status != _EXISTS:
                raise

    async def publish(self, data: object, attributes: Mapping[str, str]) -> None:
        """Publish to CREATED, which is made where the emulator has lost it."""
        text = base64.b64encode(json.dumps(data).encode()).decode()
        body = {"messages": [{"data": text, "attributes": dict(attributes)}]}
        path = f"{self._base}/topics/{CREATED}:publish"
        if not self._complete:
            await self.ensure()
        try:
            await self.peer.call("POST", path, body, what="publish")
        except PeerError as error:
            if error.status != _GONE:
                raise
            await self.ensure()
            await self.peer.call("POST", path, body, what="publish")

    async def pull(self, service: str) -> list[Message]:
        """Wait for messages; none after a while."""
        path = f"{self._base}/subscriptions/{subscription_of(service)}:pull"
        body = {"maxMessages": BATCH}
        # Not counted: it takes as long as there is nothing to do.
        answer = await self.peer.call("POST", path, body, what="", timeout_s=PULL_TIMEOUT_S)
        return [_message(item) for item in (answer or {}).get("receivedMessages", ())]

    async def ack(self, service: str, ack_ids: Sequence[str]) -> None:
        """Say that messages are done with."""
        path = f"{self._base}/subscriptions/{subscription_of(service)}:acknowledge"
        await self.peer.call("POST", path, {"ackIds": list(ack_ids)}, what="acknowledge")

    async def nack(self, service: str, ack_ids: Sequence[str]) -> None:
        """Ask for messages again, at once."""
        path = f"{self._base}/subscriptions/{subscription_of(service)}:modifyAckDeadline"
        body = {"ackIds": list(ack_ids), "ackDeadlineSeconds": 0}
        await self.peer.call("POST", path, body, what="refuse")


def _message(item: Any) -> Message:
    message = item.get("message", {})
    try:
        data = json.loads(base64.b64decode(message.get("data", "")))
    except ValueError:
        data = None
    return Message(
        ack_id=item["ackId"],
        data=data,
        attributes=message.get("attributes") or {},
        tries=int(item.get("deliveryAttempt") or 0),
    )
