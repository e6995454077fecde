"""A view as Prometheus reads it. The names are those of the rules and dashboards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from alfred_dev.dashboard import stores
from alfred_dev.dashboard.seen import View
from alfred_dev.dashboard.stores import Row, Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(view: View, of_stores: Mapping[str, Store]) -> str:
    """Return the exposition. ``of_stores``: what data stores count of themselves, by service."""
    families = (
        ("alfred_probe_up", "1: our own probe finds the port healthy.", _up(view)),
        ("alfred_probe_duration_seconds", "How long the last probe took.", _durations(view)),
        ("alfred_service_memory_bytes", "Memory of a service's processes.", _memory(view)),
        ("alfred_service_cpu_ratio", "Processors that a service uses.", _cpu(view)),
        (
            "alfred_certificate_expiry_timestamp_seconds",
            "When a certificate ends.",
            (({"name": name}, at) for name, at in view.certificates.items()),
        ),
        ("alfred_tunnel_up", "1: a tunnel is open and answers.", _tunnels(view)),
        (
            "alfred_resource_use_ratio",
            "Share of what there is, 0 to 1: of the machine, or of what a service may have.",
            _resources(view, of_stores),
        ),
    )
    ours = (line for name, about, rows in families for line in _family(name, rows, about=about))
    theirs = (
        line
        for name, kind, rows in stores.families(of_stores)
        for line in _family(name, rows, kind=kind)
    )
    return "".join([*ours, *theirs])


def _family(
    name: str, rows: Iterable[Row], *, about: str = "", kind: str = "gauge"
) -> Iterator[str]:
    if about:
        yield f"# HELP {name} {about}\n"
    yield f"# TYPE {name} {kind}\n"
    for labels, value in rows:
        told = ",".join(f'{key}="{_quoted(text)}"' for key, text in labels.items())
        yield f"{name}{{{told}}} {value!r}\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _up(view: View) -> Iterator[Row]:
    for status in (s for s in view.statuses if s.selected):
        for e in status.endpoints:
            yield _labels(status.id, view) | {"port": str(e.endpoint.port)}, float(e.healthy)


def _durations(view: View) -> Iterator[Row]:
    for status in (s for s in view.statuses if s.selected):
        for e in status.endpoints:
            if e.latency_ms is not None:
                labels = _labels(status.id, view) | {"port": str(e.endpoint.port)}
                yield labels, e.latency_ms / 1000


def _memory(view: View) -> Iterator[Row]:
    yield from ((_labels(name, view), float(used.memory)) for name, used in view.usage.items())


def _cpu(view: View) -> Iterator[Row]:
    yield from ((_labels(name, view), used) for name, used in view.cpu.items())


def _resources(view: View, of_stores: Mapping[str, Store]) -> Iterator[Row]:
    for name, store in of_stores.items():
        if store.connected is not None:
            yield _labels(name, view) | {"resource": "connections"}, store.connected
    yield from (({"resource": name}, used) for name, used in view.resources.items())
    for name, used in view.cpu.items():
        yield _labels(name, view) | {"resource": "cpu"}, used / view.processors
    for name, use in view.usage.items():
        if limit := view.limits.get(name):
            yield _labels(name, view) | {"resource": "memory"}, min(1.0, use.memory / limit)


def _tunnels(view: View) -> Iterator[Row]:
    for row in view.tunnels:
        yield (
            {"name": str(row["name"]), "service": str(row["service"])},
            float(bool(row["healthy"])),
        )


def _labels(name: str, view: View) -> dict[str, str]:
    return {"service": name, "tier": str(view.plan[name].definition.tier)}
