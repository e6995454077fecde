"""uvicorn without its command line: in a process of its own, where nothing is loaded yet."""

from __future__ import annotations

import subprocess
import sys


def said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_serves_loads_neither_click_nor_reloaders() -> None:
    code = (
        "import sys; from alfred_dev.embedded import serve; import uvicorn.lifespan.off\n"
        "heavy = ('click', 'multiprocessing', 'watchfiles', 'alfred_dev.catalog.model')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert said(code) == ["[]"]


def test_the_rest_of_the_package_is_there_for_who_asks() -> None:
    code = (
        "from alfred_dev.embedded import serve; import uvicorn\n"
        "print(uvicorn.run.__name__, uvicorn.__version__[:1].isdigit())\n"
        "from uvicorn import Server; print(Server is serve.Server)"
    )
    assert said(code) == ["run", "True", "True"]


def test_a_package_that_is_loaded_already_is_left_alone() -> None:
    code = (
        "import uvicorn; from alfred_dev.embedded import serve\n"
        "import sys; print(sys.modules['uvicorn'] is uvicorn, uvicorn.run.__name__)"
    )
    assert said(code) == ["True", "run"]
