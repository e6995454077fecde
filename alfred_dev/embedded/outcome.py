"""The outcome of a task, mailed by whoever finished last."""

from __future__ import annotations

import asyncio
import json
import smtplib
import time
import uuid
from email.message import EmailMessage

from alfred_dev.embedded.parts import Shared
from alfred_dev.embedded.subscriber import WorkError
from alfred_dev.embedded.task_store import DONE
from alfred_dev.embedded.tasks import Story

TIMEOUT_S = 5.0


async def mail(shared: Shared, task_id: uuid.UUID) -> None:
    """Mail the outcome, once the task has it; raises WorkError, RequestError when that fails.

    A crash between mail and note sends it again.
    """
    story = await shared.store.story(task_id)
    if story is None or any(hop.hop == "outcome mailed" for hop in story.hops):
        return
    host, port = shared.environ.get("SMTP_HOST", ""), shared.environ.get("SMTP_PORT", "")
    if not host or not port.isdigit():
        raise WorkError("mail-server: SMTP_HOST and SMTP_PORT are not set")
    began = time.perf_counter()
    try:
        with shared.calls.timed("mail-server", "mail"):
            await asyncio.to_thread(_send, host, int(port), _letter(story, shared.spec.domain))
    except (OSError, smtplib.SMTPException) as error:
        raise WorkError(f"mail-server: {error}") from None
    took = (time.perf_counter() - began) * 1e3
    await shared.store.hop(task_id, "outcome mailed", "mail-server", took)
    await shared.store.end(task_id, DONE)


def _letter(story: Story, domain: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = f"Alfred <alfred@{domain}>"
    letter["To"] = f"Developer <developer@{domain}>"
    letter["Subject"] = "Done: " + " ".join(story.task.title.split())[:100]
    letter["Message-ID"] = f"<{story.task.id}@{domain}>"
    hops = "\n".join(f"{hop.ms:8.1f} ms  {hop.hop}  ({hop.peer})" for hop in story.hops)
    results = json.dumps(story.results, indent=2, ensure_ascii=False)
    letter.set_content(f"{story.task.title}\n\n{hops}\n\n{results}\n")
    return letter


def _send(host: str, port: int, letter: EmailMessage) -> None:
    with smtplib.SMTP(host, port, local_hostname="localhost", timeout=TIMEOUT_S) as client:
        client.send_message(letter)
