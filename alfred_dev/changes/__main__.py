"""What runs as root: ``python -I .../alfred_dev/changes FILE`` carries out the steps in FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    # Isolated (-I): no folder and no variable of the caller decides what root imports.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from alfred_dev.changes.model import from_rows
    from alfred_dev.changes.perform import perform
    from alfred_dev.errors import AlfredError

    try:
        perform(from_rows(json.loads(Path(sys.argv[1]).read_text())))
    except (AlfredError, OSError, ValueError, IndexError) as error:
        sys.exit(f"alfred-dev: {error}")
