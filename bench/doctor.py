"""What the doctor says of faults that are really there: ``python bench/doctor.py``.

Brings a whole stack up in network and mount namespaces of its own (root on Linux), injects each
fault, runs the doctor, types its fix, and prints the confusion table. ``--only ID ...``,
``--no-fix``, ``--pairs N`` (``--seed N``, ``--these A+B ...`` of them); ``--runtime docker``: in
the engine that DOCKER_HOST names, whose network must have the 19 ports free.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.faults import docker, images, more, outside, volumes  # noqa: E402 - the path comes first
from bench.faults.harmless import CONTAINED, HARMLESS, Harmless  # noqa: E402
from bench.faults.process import FAULTS  # noqa: E402
from bench.faults.record import Fault  # noqa: E402
from bench.faults.world import World, world  # noqa: E402


@dataclass
class Row:
    fault: Fault
    first: str = ""
    said: str = ""
    right: bool = False
    mended: bool | None = None
    restored: bool = True
    seconds: float = 0.0


def errors(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [f for f in document["findings"] if f["severity"] == "error"]


def names(fault: Fault, finding: dict[str, Any]) -> bool:
    text = " ".join([finding["subject"], finding["cause"], *finding.get("about", ())])
    return finding["code"] in fault.codes and (
        not fault.subjects or any(s in text for s in fault.subjects)
    )


def relevant(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the doctor says, without what is no fault."""
    quiet = ("setup-not-done",)
    return [f for f in document["findings"] if f["code"] not in quiet]


def one(w: World, fault: Fault, *, fix: bool) -> Row:
    row = Row(fault)
    undo = fault.inject(w)
    try:
        began = time.perf_counter()
        found = w.doctor()
        row.seconds = time.perf_counter() - began
        told = relevant(found)
        if told:
            row.first, row.said = told[0]["code"], f"{told[0]['subject']}: {told[0]['cause']}"
            row.right = names(fault, told[0])
        else:
            row.said = str(found.get("said", "nothing"))[:300]
        if fix and told and not fault.mends:
            row.mended = mended(w, fault, told[0])
    finally:
        undo()
        row.restored = w.restore()
    return row


def mended(w: World, fault: Fault, finding: dict[str, Any]) -> bool:
    if finding["code"] == "cpu-busy" and w.runtime == "docker":
        return False  # whom it names may be anybody's: here are no processes of its own
    try:
        said = w.shell(finding["fix"]["commands"])
    except subprocess.TimeoutExpired:
        said = "its commands do not end"
    after = relevant(w.doctor())
    still = [f for f in after if f["severity"] == "error" or names(fault, f)]
    if still:
        print(f"    not mended: {finding['fix']['commands']}\n    {said[-600:]}")
        print(f"    left: {still[0]['code']} {still[0]['subject']}: {still[0]['cause']}")
    return not still


def pairs(count: int, faults: Iterable[Fault], seed: int) -> list[tuple[Fault, Fault]]:
    """Return pairs that do not touch each other, the same for the same seed."""
    able = [f for f in faults if f.pair]
    every = [(a, b) for i, a in enumerate(able) for b in able[i + 1 :] if not a.touches & b.touches]
    random.Random(seed).shuffle(every)  # noqa: S311 - repeatable, not secret
    return every[:count]


def turn(fault: Fault) -> int:
    """Return when to inject it, beside another: a command of one must not mend the other.

    ``up`` starts what was stopped, removes what is not ours, and renders anew; no command is taken
    with a broken file.
    """
    if fault.touches & {"public", "orphan", "guest"}:
        return 2
    if fault.touches <= {".env", "alfred.yaml", "render", "state", "shell"}:
        return 2
    return 0 if fault.touches & {"alfred.yaml", ".env"} else 1


def two(w: World, first: Fault, second: Fault) -> tuple[bool, str]:
    undos = []
    try:
        undos = [fault.inject(w) for fault in sorted((first, second), key=turn)]
        told = relevant(w.doctor())
        seen = [any(names(f, t) for t in told) for f in (first, second)]
        said = "; ".join(f"{t['code']}({t['subject']}) masks {t['masks'][:3]}" for t in told)
        return all(seen), said
    finally:
        for undo in reversed(undos):
            undo()
        w.restore()


def quiet(w: World, chosen: list[Harmless]) -> None:
    """Print what is said of what is no fault: nothing worse than a warning is right."""
    good = 0
    for case in chosen:
        undo = case.inject(w)
        try:
            found = w.doctor()
            told = relevant(found)
            right = bool(found["checks"]) and not errors(found)
        finally:
            undo()
            restored = w.restore()
        good += right
        said = "; ".join(f"{t['severity']} {t['code']} {t['subject']}: {t['cause']}" for t in told)
        print(f"{'ok ' if right else 'BAD'} {case.id} {case.title:<54} {said or 'nothing'}"
              + ("" if restored else "  NOT RESTORED"), flush=True)  # fmt: skip
    if chosen:
        print(f"no error is said of what is no fault: {good} of {len(chosen)}")


def silent(w: World, chosen: list[Fault], arguments: argparse.Namespace) -> None:
    healthy = [w.doctor() for _ in range(3)]
    wrong = [f["code"] for d in healthy for f in relevant(d)]
    print(f"healthy: {len(wrong)} findings {wrong}")
    for options in ((), ("--quick",)):
        took = []
        for _ in range(5):
            began = time.perf_counter()
            w.run("doctor", *options)
            took.append(time.perf_counter() - began)
        print(f"doctor {' '.join(options):<8} median {statistics.median(took):.2f} s")
    rows = []
    for fault in chosen:
        try:
            row = one(w, fault, fix=not arguments.no_fix)
        except Exception as error:  # noqa: BLE001 - one injection that fails is a row of its own
            row = Row(fault, first="INJECTION", said=repr(error)[:300])
            w.restore()
        rows.append(row)
        mark = "ok " if row.right else "BAD"
        fix = {None: "-", True: "mended", False: "NOT MENDED"}[row.mended]
        print(f"{mark} {fault.id} {fault.title:<46} {row.first:<24} {fix:<10} {row.seconds:.1f} s"
              + ("" if row.restored else "  NOT RESTORED"), flush=True)  # fmt: skip
        if not row.right:
            print(f"    expected {set(fault.codes)} {fault.subjects}; said {row.said[:300]}")
    summary(rows)


def summary(rows: list[Row]) -> None:
    if not rows:
        return
    right = sum(r.right for r in rows)
    tried = [r for r in rows if r.mended is not None]
    good = sum(bool(r.mended) for r in tried)
    print(f"first finding is the true root cause: {right} of {len(rows)} ({right / len(rows):.0%})")
    if tried:
        print(f"the printed fix mends it: {good} of {len(tried)} ({good / len(tried):.0%})")


def run_pairs(w: World, every: Iterable[Fault], arguments: argparse.Namespace) -> None:
    chosen = [
        (one, other)
        for one, other in pairs(arguments.pairs, every, arguments.seed)
        if not arguments.these or f"{one.id}+{other.id}" in arguments.these
    ]
    good = 0
    for first, second in chosen:
        try:
            ok, said = two(w, first, second)
        except Exception as error:  # noqa: BLE001 - as above
            ok, said = False, repr(error)[:200]
            w.restore()
        good += ok
        print(f"{'ok ' if ok else 'BAD'} {first.id} + {second.id}" + ("" if ok else f"  {said}"),
              flush=True)  # fmt: skip
    if chosen:
        print(f"pairs of which both are named: {good} of {len(chosen)} ({good / len(chosen):.0%})")


def own_files() -> None:
    """Lay a copy over the files outside of projects: nothing there is really changed."""
    for number, place in enumerate(("/etc", "/usr/local/share")):
        folder = Path("/run", f"alfred-bench-{number}")  # private too: a file system of memory
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        for name in ("upper", "work"):
            (folder / name).mkdir()
        options = f"lowerdir={place},upperdir={folder}/upper,workdir={folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, place], check=True)


def collect() -> None:
    """Be process 1: go on in a child, and collect what was left by others until that ends."""
    child = os.fork()
    while child:
        pid, status = os.wait()
        if pid == child:
            raise SystemExit(os.waitstatus_to_exitcode(status))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7, help="of the pairs")
    parser.add_argument("--these", nargs="*", default=[], help="of the pairs, as A+B")
    parser.add_argument("--no-fix", action="store_true")
    parser.add_argument("--no-singles", action="store_true")
    parser.add_argument("--runtime", choices=["process", "docker"], default="process")
    return parser.parse_args()


def main() -> None:
    arguments = options()
    if "ALFRED_BENCH_INSIDE" not in os.environ:
        inside = {**os.environ, "ALFRED_BENCH_INSIDE": "1"}
        # Its own processes too: what the doctor has us type may end a process that it sees.
        alone = ("--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        besides = alone if arguments.runtime == "process" else ()  # the engine is in this network
        command = ["unshare", "--mount", "--propagation", "private", *besides, "--"]
        command += [sys.executable, *sys.argv]
        raise SystemExit(subprocess.run(command, env=inside).returncode)
    if os.getpid() == 1:
        collect()
    if arguments.runtime == "process":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    own_files()
    local = (*FAULTS, *outside.FAULTS, *more.FAULTS)
    anywhere = (f for f in more.FAULTS if f.id in more.ANYWHERE)
    contained = (
        *docker.FAULTS, *images.FAULTS, *volumes.FAULTS, *outside.FAULTS, *anywhere,
    )  # fmt: skip
    every = local if arguments.runtime == "process" else contained
    chosen = [f for f in every if not arguments.only or f.id in arguments.only]
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), arguments.runtime) as w:
        said = w.run("setup", "--yes")
        print(f"setup: exit {said.returncode}")
        if not arguments.no_singles:
            cases = HARMLESS if arguments.runtime == "process" else CONTAINED
            quiet(w, [h for h in cases if not arguments.only or h.id in arguments.only])
            silent(w, chosen, arguments)
        run_pairs(w, every, arguments)


if __name__ == "__main__":
    main()
