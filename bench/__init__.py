"""Measurements. Each module prints one table and judges nothing."""

import os

# With this set, every process would compile our code anew, and that would be measured.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
