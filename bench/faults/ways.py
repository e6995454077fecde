"""Ways to break a stack of local processes. Each returns what undoes it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from bench.faults.world import Undo, World, until

Inject = Callable[[World], Undo]
Change = Callable[[str], str]
NOTHING: Undo = lambda: None  # noqa: E731


def stopped(name: str) -> Inject:
    def inject(world: World) -> Undo:
        world.run("stop", name)
        return lambda: world.run("start", name, "--wait-timeout", "20")

    return inject


def signalled(name: str, number: int, *, wait_s: float = 0.2) -> Inject:
    def inject(world: World) -> Undo:
        pid = world.pid(name)
        os.kill(pid, number)
        until(lambda: False, wait_s)

        def undo() -> None:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return

        return undo

    return inject


def shell(key: str, value: str) -> Inject:
    return lambda world: world.variable(key, value)


def dotenv(change: Change) -> Inject:
    return lambda world: world.edit(".env", change)


def without(key: str) -> Change:
    def change(text: str) -> str:
        return "".join(ln for ln in text.splitlines(True) if not ln.startswith(f"{key}="))

    return change


def valued(key: str, value: str) -> Change:
    return lambda text: without(key)(text) + f"{key}={value}\n"


def project(text: str, *services: str) -> Inject:
    """Write alfred.yaml and bring its services up with it."""

    def inject(world: World) -> Undo:
        back = world.edit("alfred.yaml", lambda old: text)
        if services:
            world.run("up", *services, "--wait-timeout", "6")

        def undo() -> None:
            back()
            if services:
                world.run("up", *services)

        return undo

    return inject


def told(service: str, variable: str, value: str) -> Inject:
    text = f'services:\n  {service}:\n    env:\n      {variable}: "{value}"\n'
    return project(text, service)


def mode(name: str, bits: int) -> Inject:
    def inject(world: World) -> Undo:
        path = world.root / name
        old = path.stat().st_mode & 0o7777
        path.chmod(bits)
        return lambda: path.chmod(old)

    return inject
