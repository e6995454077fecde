"""How long plan and render take for generated catalogs of 17 to 1,000 services.

    python -m bench.config

Each service has a port, a variable, and depends on five others that it is told of. Reading the
YAML is shown beside it. Prints one table; judges nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

from alfred_dev.catalog.model import Catalog
from alfred_dev.catalog.parse import parse
from alfred_dev.plan import Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render import compose, process
from alfred_dev.render.process import Layout
from alfred_dev.settings import resolve

SIZES = (17, 100, 300, 1000)
ROUNDS = 5
DEPENDENCIES = 5
FIRST_PORT = 20_000
LAYOUT = Layout(data="/project/data", render="/project/render", python="/venv/bin/python")

T = TypeVar("T")


def catalog_text(size: int) -> str:
    """Return services.yaml with ``size`` services, each depending on those just before it."""
    return "ranges: {}\nservices:\n" + "".join(_service(number) for number in range(size))


def _service(number: int) -> str:
    before = range(max(0, number - DEPENDENCIES), number)
    return f"""\
  service-{number}:
    title: Service {number}
    tier: application
    profile: agents
    context: services/service-{number}
    ports:
      - {{host: {FIRST_PORT + number}, container: 8000, protocol: HTTP, purpose: generated, range: null, probe: http, path: /health}}
    depends_on: {{{", ".join(f"service-{n}: started" for n in before)}}}
    variables:
      - {{names: [URL_{number}, ALFRED_URL_{number}], value: "http://{{host}}:{{port}}"}}
    needs: [{", ".join(f"URL_{n}" for n in before)}]
    settings: [ALFRED_ENVIRONMENT, ALFRED_LOG_LEVEL, DB_JWT_SECRET]
"""  # noqa: E501 - as long as the lines of services.yaml


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the median seconds of ``work`` over ``ROUNDS``, and its result."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), result


def measure(size: int) -> tuple[float, ...]:
    """Return seconds: read, plan, process render, compose render."""
    text = catalog_text(size)
    reading, catalog = timed(lambda: parse(text, source="generated.yaml"))
    planning, plan = timed(lambda: _plan(catalog))
    processes, _ = timed(lambda: process.desired(plan, LAYOUT))
    containers, _ = timed(lambda: compose.render(plan))
    return reading, planning, processes, containers


def _plan(catalog: Catalog) -> Plan:
    return make(catalog, resolve(()), Facts())


def main() -> None:
    """Measure every size and print the table."""
    print(f"{'services':>8} {'read s':>8} {'plan s':>8} {'process s':>10} {'compose s':>10} "
          f"{'plan+render s':>14} {'ms a service':>13}")  # fmt: skip
    for size in SIZES:
        reading, planning, processes, containers = measure(size)
        total = planning + processes + containers
        print(f"{size:8} {reading:8.3f} {planning:8.3f} {processes:10.3f} {containers:10.3f} "
              f"{total:14.3f} {1000 * total / size:13.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
