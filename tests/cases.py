"""How many cases a property of bad input is tried on: many in CI, fewer at the desk."""

from __future__ import annotations

import os

from hypothesis import settings

bad_input = settings(max_examples=2000 if "CI" in os.environ else 200)
