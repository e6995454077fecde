"""On which ports does a service listen? What is sure, and what anything about it mentions. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from alfred_dev.lint import images
from alfred_dev.lint.dockerfile import Dockerfile
from alfred_dev.lint.model import Service

FLAG = re.compile(
    r"(?:^|[\s'\"])(?:--?(?:server[.-])?port|--http-port|--web\.listen-address|--listen|--bind|-p|-b|"
    r"--address|--http\.address|--listen-address|--host-port|runserver|http\.server|--web\.port)"
    r"[\s=]+['\"]?(?:[\w.\[\]*]*:)?(\d{2,5})\b"
)  # fmt: skip
PORT_KEY = re.compile(r"(?:^|_)PORT$|^(?:LISTEN|BIND)(?:_ADDR(?:ESS)?)?$|_LISTEN(?:_ADDRESS)?$")
OWN_PORT = ("PORT", "APP_PORT", "SERVER_PORT", "HTTP_PORT", "NODE_PORT", "API_PORT", "UVICORN_PORT",
            "FLASK_RUN_PORT", "STREAMLIT_SERVER_PORT", "GRADIO_SERVER_PORT", "SERVICE_PORT",
            "WEB_PORT", "LISTEN_PORT", "GF_SERVER_HTTP_PORT", "N8N_PORT", "KC_HTTP_PORT",
            "ASPNETCORE_HTTP_PORTS")  # fmt: skip
NUMBER = re.compile(r"(?<![\d.])(\d{2,5})(?![\d.]*\d)")
NGINX = re.compile(r"^\s*listen\s+(?:[\w.\[\]:*]*:)?(\d{2,5})\b", re.MULTILINE)
DEBUG = {9229, 5005, 5678, 2345, 40000, 24678, 35729, 9230, 9003, 6060, 4040, 8000}
# Images that begin whatever a developer tells them; what they listen on by default says little.
LOOSE = ("traefik", "caddy", "otel", "localstack", "base", "checked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """``sure``: the ports, as far as the files say; ``mentioned``: every number that could be one.

    ``complete``: whether ``sure`` is all there is. ``how``: in words.
    """

    sure: frozenset[int]
    mentioned: frozenset[int]
    complete: bool
    how: str

    def may(self, port: int) -> bool:
        """Whether the service might listen on ``port``."""
        return port in self.sure or port in self.mentioned


@lru_cache(maxsize=4096)
def of(service: Service) -> Listening:
    """Work out where a service listens."""
    image = images.known(service.image.value) if service.image and not service.build else None
    told, how = _told(service)
    mentioned = told | _mentions(service)
    if told:
        return Listening(sure=told | frozenset(service.expose), mentioned=mentioned,
                         complete=True, how=how)  # fmt: skip
    if image and image.ports and image.kind not in LOOSE:
        return Listening(sure=image.ports, mentioned=mentioned, complete=True,
                         how=f"{service.image.value if service.image else ''} does")  # fmt: skip
    if service.dockerfile and service.dockerfile.exposed:
        own = frozenset(service.dockerfile.exposed)
        return Listening(sure=own, mentioned=mentioned, complete=service.command is None,
                         how=f"EXPOSE in {service.dockerfile.path} says so")  # fmt: skip
    stated = frozenset(service.expose) | frozenset(p.target for p in service.ports)
    return Listening(sure=stated, mentioned=mentioned, complete=False, how="it publishes that")


def _told(service: Service) -> tuple[frozenset[int], str]:
    """Return what the service is told to listen on: by its command, variables, or Dockerfile."""
    said = service.command or service.entrypoint
    if service.command:
        found = flags(service.command.text)
        if found:
            return found, "its command says so"
    for name in OWN_PORT:
        variable = service.environment.get(name)
        if variable and variable.known and _port(variable.value):
            return frozenset({int(variable.value)}), f"{name} says so"
    if service.dockerfile and said is None:
        found = _image_command(service.dockerfile)
        if found:
            return found | frozenset(service.dockerfile.exposed), (
                f"CMD in {service.dockerfile.path} says so"
            )
    return frozenset(), ""


def _port(text: str) -> bool:
    return text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535


def flags(text: str) -> frozenset[int]:
    """Return the ports that a command line tells a server to listen on."""
    return frozenset(int(n) for n in FLAG.findall(text[:5000]) if 1 <= int(n) <= 65535)


def _image_command(found: Dockerfile) -> frozenset[int]:
    text = " ".join((*(found.command("ENTRYPOINT") or ()), *(found.command("CMD") or ())))
    return flags(text)


def _mentions(service: Service) -> frozenset[int]:
    """Return every number that could be a port, in all that is read of a service."""
    texts = [c.text for c in (service.command, service.entrypoint) if c]
    texts += [v.value for k, v in service.environment.items() if PORT_KEY.search(k.upper())]
    texts += [v.value for v in service.environment.values() if _listens(v.value)]
    found = {int(n) for text in texts for n in NUMBER.findall(text[:5000])}
    for text in service.configs.values():
        found |= {int(n) for n in NUMBER.findall(text[:50_000])}
    for text in service.scripts.values():
        found |= {int(n) for n in NUMBER.findall(text[:50_000])}
    if service.dockerfile:
        lines = " ".join(s.text for s in service.dockerfile.steps if s.name != "RUN")
        found |= {int(n) for n in NUMBER.findall(lines[:50_000])}
    return frozenset(found)


def _listens(value: str) -> bool:
    """Whether a value looks like an address to listen on."""
    return value.startswith((":", "0.0.0.0:", "[::]:", "tcp://0.0.0.0", "http://0.0.0.0", "http://+",
                             "http://*", "PLAINTEXT", "INTERNAL", "LISTENER"))  # fmt: skip
