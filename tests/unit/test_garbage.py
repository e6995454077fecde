"""When Python looks for waste: in a process of its own, as it is set for all of one."""

from __future__ import annotations

import subprocess
import sys


def said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_it_is_put_off_while_loading_and_comes_back_for_what_is_made_later() -> None:
    code = (
        "import gc; from alfred_dev import garbage; usual = gc.get_threshold()\n"
        "garbage.put_off(); print(gc.isenabled(), gc.get_threshold()[0] > 100_000)\n"
        "garbage.settle(); print(gc.get_threshold() == usual, gc.get_freeze_count() > 1000)\n"
        "class Round: pass\n"
        "import weakref; a = Round(); a.me = a; seen = weakref.ref(a); del a\n"
        "gc.collect(); print(seen())"
    )
    assert said(code) == ["True", "True", "True", "True", "None"]


def test_who_never_put_it_off_is_left_alone() -> None:
    code = (
        "import gc; from alfred_dev import garbage; usual = gc.get_threshold()\n"
        "garbage.settle(); print(gc.get_threshold() == usual, gc.get_freeze_count())"
    )
    assert said(code) == ["True", "0"]
