"""Images of registries: all at once, with progress, again after a pause when it is worth it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

from alfred_dev.engine.command import Docker, last_lines

AT_ONCE = 4
PAUSES_S = (1.0, 3.0)  # before the second and the third attempt
TIMEOUT_S = 900.0
# What no second attempt changes: it is not there, we may not have it, or there is no network.
FINAL = re.compile(
    r"manifest unknown|not found|denied|unauthorized|no basic auth|invalid reference|no such host"
    r"|no matching manifest|connection refused|network is unreachable|no space left",
    re.IGNORECASE,
)

Tell = Callable[[str], None]


def pull(
    docker: Docker,
    images: Iterable[str],
    tell: Tell,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Pull ``images``; return those that could not be had, and why.

    ``tell`` hears of each image that came.
    """
    wanted = sorted(set(images))
    if not wanted:
        return {}
    failed: dict[str, str] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(_pull, docker, image, sleep): image for image in wanted}
        for number, done in enumerate(as_completed(running), 1):
            image, why = running[done], done.result()
            if why:
                failed[image] = why
            else:
                tell(f"pulled {image} ({number} of {len(wanted)})")
    return failed


def _pull(docker: Docker, image: str, sleep: Callable[[float], None]) -> str:
    """Pull one image; return why it cannot be had, nothing when it is here."""
    why = ""
    for pause_s in (0.0, *PAUSES_S):
        sleep(pause_s)
        done = docker.run("pull", "--quiet", image, timeout_s=TIMEOUT_S)
        if done.code == 0:
            return ""
        why = _short(last_lines(done.error, 1))
        if FINAL.search(why):
            break
    return why


def _short(said: str) -> str:
    """Return the end of a chain of causes, which is what people can act on."""
    text = said.removeprefix("Error response from daemon: ")
    match = re.search(r'Get "https?://([^/"]+)[^"]*": (.*)', text)
    return f"{match[1]}: {match[2].rpartition(': ')[2]}" if match else text
