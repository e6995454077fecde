"""What one container says of the others, and what that means."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

from alfred_dev.doctor.checks import container_unreachable
from alfred_dev.doctor.look.engine import Container, Containers
from alfred_dev.doctor.look.siblings import SCRIPT, Seen, Siblings, understood
from alfred_dev.doctor.trace import from_sibling
from alfred_dev.probe.base import Reason, ill
from tests.servers import free_port
from tests.unit.doctor.scenes import given, judged, seen
from tests.unit.flow.test_send import core

REDIS = Seen(service="redis", port=6379, sibling="agent-core", addresses=("172.18.0.3",))
RAG = Seen(
    service="agent-rag", port=8501, sibling="agent-core", refused="Name or service not known"
)
OURS = (Container(service="agent-rag", name="alfred-1-agent-rag-1", state="running"),)


def look(*rows: Seen, **more: Any) -> Siblings:
    found = seen(**more)
    engine = Containers(ours=OURS, network="alfred-network", services=found)
    return Siblings(rows=rows, services=found, containers=engine)


def test_the_script_goes_from_the_name_to_the_application() -> None:
    closed = free_port()
    with core({}) as entry:
        port = int(entry.core.rpartition(":")[2])
        question = [
            ["127.0.0.1", port, "/health"],
            ["127.0.0.1", closed, ""],
            ["no-such.invalid", 1, ""],
        ]
        done = subprocess.run([sys.executable, "-IS", "-c", SCRIPT, json.dumps(question)],
                              capture_output=True, text=True, check=True)  # fmt: skip
    assert json.loads(done.stdout)[:2] == [
        [["127.0.0.1"], "", "HTTP 200"],
        [["127.0.0.1"], "Connection refused", ""],
    ]
    addresses, refused, said = json.loads(done.stdout)[2]
    assert (addresses, said) == ([], "") and refused


def test_what_did_not_run_says_nothing() -> None:
    assert understood("OCI runtime exec failed: python3 not found", "redis", ()) == ()


def test_one_that_is_not_reached_and_all_that_are_not() -> None:
    assert judged(container_unreachable.CHECK, look(REDIS)) == []
    (one,) = judged(container_unreachable.CHECK, look(REDIS, RAG))
    assert one.subject == "agent-rag" and "nobody has that name" in one.cause
    assert one.fix.commands == (
        "docker rm --force alfred-1-agent-rag-1", "alfred-dev up agent-rag",
    )  # fmt: skip
    away = replace(REDIS, refused="timed out")
    (whole,) = judged(container_unreachable.CHECK, look(away, RAG))
    assert (whole.subject, whole.everything) == ("alfred-network", True)


def test_who_is_ill_from_here_too_has_a_finding_of_its_own() -> None:
    assert (
        judged(container_unreachable.CHECK, look(REDIS, RAG, closed=["agent-rag"]), given()) == []
    )


def test_who_says_that_something_else_ails_it_is_reached_or_not_all_the_same() -> None:
    waits = ill(Reason.STATUS, "answers 503: waiting for db-postgres")
    (one,) = judged(container_unreachable.CHECK, look(REDIS, RAG, answers={"agent-rag": waits}))
    assert one.subject == "agent-rag"


def test_the_hops_of_a_trace() -> None:
    hops = list(from_sibling(look(REDIS, RAG), "redis"))
    assert [(h.hop, h.ok) for h in hops] == [("from agent-core", True)]
    (lost,) = from_sibling(look(REDIS, RAG), "agent-rag")
    assert (lost.ok, lost.detail) == (False, "no such name: Name or service not known")
    assert list(from_sibling(look(), "redis")) == []
