"""``python -m alfred_dev``, and the ``alfred-dev`` command."""

from typing import NoReturn

from alfred_dev import garbage


def main() -> NoReturn:
    """Run the command line."""
    garbage.put_off()
    try:
        from alfred_dev.cli import main as line  # most of what a command loads

        line.main()
    finally:
        garbage.spare()


if __name__ == "__main__":
    main()
