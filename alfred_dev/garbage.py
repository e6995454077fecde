"""When Python looks for objects that nobody can reach any more.

It looks after every 700 new ones, at all of them now and then. While a program loads, all that it
makes stays: a tenth of a command's processor time went into finding nothing.
"""

from __future__ import annotations

import gc

LATER = 400_000  # more than any command makes that ends by itself; one that goes on gets there
_usual = gc.get_threshold()


def put_off() -> None:
    """Look no more for now: a program has begun to load."""
    gc.set_threshold(LATER)


def settle() -> None:
    """Look as usual, but not at what is there already: a server has loaded what it needs.

    Does nothing unless it was put off.
    """
    if gc.get_threshold()[0] == LATER:
        gc.freeze()
        gc.set_threshold(*_usual)


def spare() -> None:
    """Do not even look at the very end: the program is about to be gone."""
    gc.freeze()
