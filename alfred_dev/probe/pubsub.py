"""Pub/Sub emulator: does it answer as one, and does it list a project's topics?"""

from __future__ import annotations

import json
from urllib.parse import quote

from alfred_dev.probe.base import ProbeResult, Reason, Target, ill, well
from alfred_dev.probe.http import BODY_LIMIT, Answer, fetch, refusal
from alfred_dev.probe.wire import concluded, excerpt


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether GET / answers "Ok" and the topics of ``target.project`` can be listed.

    Proves neither that a message would be delivered nor that any topic exists. ``timeout_s`` is
    wall-clock seconds over both requests together. An unreachable target is an answer, not an
    error. Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    root = await fetch(target, "/")
    if not root.ok:
        return refusal(root)
    if root.body.strip() != b"Ok":
        return ill(
            Reason.PROTOCOL, f"is no Pub/Sub emulator: GET / answers {excerpt(root.body.strip())}"
        )
    topics = await fetch(target, f"/v1/projects/{quote(target.project, safe='')}/topics")
    if not topics.ok:
        return refusal(topics)
    if not _is_json_object(topics):
        return ill(
            Reason.PROTOCOL, f"is no Pub/Sub emulator: its topics are {excerpt(topics.body)}"
        )
    return well("lists topics")


def _is_json_object(answer: Answer) -> bool:
    if len(answer.body) >= BODY_LIMIT:  # cut: a long list of topics
        return answer.body.lstrip().startswith(b"{")
    try:
        return isinstance(json.loads(answer.body), dict)
    except (ValueError, RecursionError):
        return False
