"""Modules of the user's are compiled from their source where HELLO says so (protocol §3)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import DEADLINE_S, PYTHON, Start

SCRIPT = """
    import helper
    def init(): pass
    def run(data): return helper.VALUE
"""


def write_with_stale_bytecode(app: Path) -> None:
    """Leave bytecode of VALUE = 1 beside a source that says VALUE = 2, of the same size and second."""
    source = app / "helper.py"
    source.write_text("VALUE = 1\n")
    os.utime(source, (1_700_000_000, 1_700_000_000))
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([PYTHON, "-c", "import helper"], cwd=app, check=True, timeout=DEADLINE_S, env=environment)
    source.write_text("VALUE = 2\n")
    os.utime(source, (1_700_000_000.9, 1_700_000_000.9))
    assert list((app / "__pycache__").iterdir())


@pytest.mark.parametrize(("fresh", "value"), [(True, "2"), (False, "1")])
def test_bytecode_of_the_same_second_and_size_is_not_taken_for_the_source(
    start: Start, app: Path, fresh: bool, value: str
) -> None:
    write_with_stale_bytecode(app)
    worker = start(SCRIPT, fresh=fresh)
    worker.ready()
    assert worker.run() == value
    assert worker.stop() == 0


def test_no_bytecode_of_the_users_is_written_and_that_of_libraries_is_read(start: Start, app: Path) -> None:
    (app / "helper.py").write_text("VALUE = 3\n")
    library = app / "site-packages"
    library.mkdir()
    (library / "lib.py").write_text("VALUE = 1\n")
    worker = start(
        """
        import os, sys
        sys.path.append(os.path.join(os.path.dirname(__file__), "site-packages"))
        import helper, lib
        def init(): pass
        def run(data): return [helper.VALUE, lib.VALUE]
        """,
        env={"PYTHONDONTWRITEBYTECODE": ""},
        fresh=True,
    )
    worker.ready()
    assert worker.run() == "[3, 1]"
    assert not (app / "__pycache__").exists()
    assert (library / "__pycache__").exists()
