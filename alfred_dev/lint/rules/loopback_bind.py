"""A server that listens for its own container alone."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

BOUND = re.compile(
    r"(?:--host|--bind|-b|--address|--server[.-]address|--hostname|-H|--listen(?:-address)?|--ip|--http-host|runserver)"
    r"[\s=]+(?:https?://)?(127\.0\.0\.1|localhost)\b"
)  # fmt: skip
LISTENS = re.compile(r"(127\.0\.0\.1|localhost):(\d{2,5})\Z")
LISTEN_KEY = re.compile(r"LISTEN|BIND|_ADDR$")
KEYS = (
    "HOST", "BIND", "BIND_ADDRESS", "LISTEN", "LISTEN_ADDRESS", "UVICORN_HOST", "FLASK_RUN_HOST",
    "STREAMLIT_SERVER_ADDRESS", "GRADIO_SERVER_NAME", "OLLAMA_HOST", "SERVER_HOST", "API_HOST",
)  # fmt: skip


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service that others are to reach."""
    wanted = {target.name for _, _, target in _common.internal(project)}
    for service in project.services.values():
        if service.network_mode or not (service.ports or service.name in wanted):
            continue
        found = _bound(service)
        if found:
            where, address = found
            yield RULE.found(
                f"{service.name} listens on {address} inside of its container: nobody outside "
                "of it "
                "gets an answer",
                where,
                service=service.name,
                fix="0.0.0.0 (inside of a container that is no risk)",
                edits=(Edit(where=where, old=address, new="0.0.0.0"),),
            )


def _bound(service: Service) -> tuple[Where, str] | None:
    if service.command:
        found = BOUND.search(service.command.text[:5000])
        if found and not service.command.text.startswith(("curl", "wget")):
            index = next((i for i, w in enumerate(service.command.words) if found[1] in w), 0)
            return service.command.place(index), found[1]
    for name in KEYS:
        variable = service.environment.get(name)
        if variable and variable.value in ("127.0.0.1", "localhost") and service.ports:
            return variable.where, variable.value
    for variable in service.environment.values():
        address = LISTENS.match(variable.value)
        listens = address and LISTEN_KEY.search(variable.name.upper())
        if address and listens and any(p.target == int(address[2]) for p in service.ports):
            return variable.where, address[1]
    step = service.dockerfile.last("CMD") if service.dockerfile and not service.command else None
    text = " ".join(service.dockerfile.command("CMD") or ()) if service.dockerfile and step else ""
    found = BOUND.search(text)
    return (
        (Where(service.dockerfile.path, step.line, 1), found[1])
        if found and step and service.dockerfile
        else None
    )


BAD = """\
services:
  a:
    image: example/a:1
    command: uvicorn main:app --host 127.0.0.1 --port 8000
    ports: ['127.0.0.1:8000:8000']
"""
GOOD = """\
services:
  a:
    image: example/a:1
    command: uvicorn main:app --host 0.0.0.0 --port 8000
    ports: ['127.0.0.1:8000:8000']
"""
RULE = Rule(
    code="loopback-bind",
    title="A server that listens on 127.0.0.1 inside of its container",
    severity=Severity.ERROR,
    page="Docker hands connections to the container's own address: a server bound to its loopback "
    "never sees them. `connection reset` from the host, `refused` from its neighbours.",
    bad=BAD,
    good=GOOD,
    check=check,
)
