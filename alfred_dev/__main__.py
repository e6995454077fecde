"""``python -m alfred_dev``, and the ``alfred-dev`` command."""

from alfred_dev.cli.main import main

if __name__ == "__main__":
    main()
