"""Where a script failed (contract ERR-11)."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import Start
from scorefn_worker.locate import UserFiles, find_place

COLUMNS = sys.version_info >= (3, 11)


def test_names_the_innermost_frame_of_the_users_files(start: Start, app: Path) -> None:
    (app / "helper").mkdir()
    (app / "helper" / "deep.py").write_text(
        'import json\n\ndef parse(text):\n    é = 1; return json.loads(text)["d"]\n'
    )
    worker = start("""
        from helper.deep import parse
        def init(): pass
        def run(data): return parse(data)
    """)
    worker.ready()
    expected = {
        "file": "helper/deep.py",
        "line": 4,
        "column": 19 if COLUMNS else None,
        "function": "parse",
        "source": 'é = 1; return json.loads(text)["d"]',
    }
    assert worker.fail("not json")["location"] == expected, "the frames of json are not the user's"
    assert worker.fail("{}", 2)["location"] == expected, "columns count characters, not bytes"


def test_leaves_installed_packages_out(start: Start, app: Path) -> None:
    package = app / ".venv" / "lib" / "site-packages"
    package.mkdir(parents=True)
    (package / "vendored.py").write_text("def fail(): raise ValueError\n")
    worker = start(
        """
        import vendored
        def init(): pass
        def run(data): vendored.fail()
        """,
        env={"PYTHONPATH": str(package)},
    )
    worker.ready()
    assert worker.fail()["location"]["file"] == "score.py"


def test_names_a_script_outside_the_app_root_by_its_own_folder(start: Start, app: Path) -> None:
    other = app.parent / "elsewhere"
    other.mkdir()
    script = other / "score.py"
    script.write_text("def init(): pass\ndef run(data): 1 / 0\n")
    worker = start(None, entryScript=str(script))
    worker.ready()
    assert worker.fail()["location"]["file"] == "score.py"


def test_gives_no_location_when_no_user_file_is_involved(start: Start) -> None:
    worker = start("""
        import functools, operator
        def init(): pass
        def run(data): return 1
        run = functools.wraps(run)(operator.itemgetter(5)) if False else run
    """)
    worker.ready()
    assert worker.run() == "1"
    files = UserFiles("/nowhere", None, None)
    try:
        raise ValueError
    except ValueError as error:
        assert find_place(error, files) is None


def test_never_throws(tmp_path: Path) -> None:
    class Hostile(SyntaxError):
        @property
        def filename(self) -> str:  # type: ignore[override]
            raise RuntimeError

    assert find_place(Hostile(), UserFiles(str(tmp_path), None, None)) is None


def test_follows_symlinked_app_roots(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    files = UserFiles(str(tmp_path / "link"), None, None)
    assert files.name(str(real / "sub" / "a.py")) == "sub/a.py"
    assert files.name(str(tmp_path / "link" / "a.py")) == "a.py"
    assert files.name(str(tmp_path / "linked" / "a.py")) is None
