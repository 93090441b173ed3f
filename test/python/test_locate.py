"""Where a script failed (contract ERR-11)."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

import pytest
from conftest import PYTHON, PYTHON_VERSION, SCHEMAS_PYTHON, SKLEARN_PYTHON, Start, needs_schemas, needs_sklearn
from scorefn_worker.locate import UserFiles, find_place

COLUMNS = PYTHON_VERSION >= (3, 11)


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


def _at_marked_line(start: Start, app: Path, script: str, python: str) -> None:
    """Expect the failure at the one line that is marked, with its source; the app root is the current directory."""
    worker = start(f"import os; os.chdir({str(app)!r})\n" + textwrap.dedent(script), python=python)
    worker.ready()
    report = worker.fail()
    lines = (app / "score.py").read_text().splitlines()
    number = next(number for number, line in enumerate(lines, 1) if line.endswith("# here"))
    location = report["location"]
    assert (location["file"], location["line"]) == ("score.py", number), report["traceback"]
    assert location["source"] == lines[number - 1].strip()
    assert ".py" in report["traceback"]


@needs_schemas
@pytest.mark.parametrize(
    "call",
    [
        "pandas.to_datetime(['nonsense'])",
        "pandas.read_csv(io.StringIO('a,b\\n1,2\\n1,2,3,4\\n'))",
        "numpy.random.default_rng().choice([], 3)",
        "numpy.random.randint(5, 1)",
    ],
)
def test_errors_out_of_pandas_and_numpy_are_at_the_line_that_called(start: Start, app: Path, call: str) -> None:
    """Their innermost frames are those of Cython code, whose files are not there."""
    script = f"""
        import io, numpy, pandas
        def init(): pass
        def prepare(): return {call}  # here
        def run(data): return prepare()
    """
    _at_marked_line(start, app, script, SCHEMAS_PYTHON)


@needs_schemas
def test_errors_of_a_function_that_compiled_code_calls_are_in_that_function(start: Start, app: Path) -> None:
    script = """
        import pandas
        def init(): pass
        def inverse(value):
            return 1 / value  # here
        def run(data): return pandas.Series([0]).map(inverse).tolist()
    """
    _at_marked_line(start, app, script, SCHEMAS_PYTHON)


@needs_sklearn
@pytest.mark.parametrize(
    "call",
    [
        "KDTree([[1, 2]]).query([[1, 2, 3]])",
        "DecisionTreeClassifier().fit([[1]], [1]).tree_.predict(numpy.zeros((1, 1)))",
    ],
)
def test_errors_out_of_scikit_learn_are_at_the_line_that_called(start: Start, app: Path, call: str) -> None:
    script = f"""
        import numpy
        from sklearn.neighbors import KDTree
        from sklearn.tree import DecisionTreeClassifier
        def init(): pass
        def run(data):
            return {call}  # here
    """
    _at_marked_line(start, app, script, SKLEARN_PYTHON)


@pytest.mark.parametrize("name", ["formula", "rules/own.txt", "gone.py"])
def test_errors_in_code_whose_file_is_not_there_are_at_the_line_that_ran_it(start: Start, app: Path, name: str) -> None:
    script = f"""
        def init(): pass
        def run(data):
            exec(compile("1 / 0", {name!r}, "exec"))  # here
    """
    _at_marked_line(start, app, script, PYTHON)


def test_syntax_errors_in_text_without_a_file_are_at_the_line_that_read_it(start: Start, app: Path) -> None:
    script = """
        import ast
        def init(): pass
        def run(data):
            return ast.parse("1 +", "formula")  # here
    """
    _at_marked_line(start, app, script, PYTHON)


def test_modules_in_an_archive_beside_the_script_are_the_users(start: Start, app: Path) -> None:
    with zipfile.ZipFile(app / "parts.zip", "w") as archive:
        archive.writestr("part.py", "def fail():\n    raise ValueError\n")
    worker = start("""
        import os, sys
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "parts.zip"))
        import part
        def init(): pass
        def run(data): part.fail()
    """)
    worker.ready()
    location = worker.fail()["location"]
    assert (location["file"], location["line"], location["source"]) == ("parts.zip/part.py", 2, "raise ValueError")


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
    (real / "sub").mkdir(parents=True)
    for file in (real / "a.py", real / "sub" / "a.py"):
        file.touch()
    (tmp_path / "link").symlink_to(real)
    files = UserFiles(str(tmp_path / "link"), None, None)
    assert files.name(str(real / "sub" / "a.py")) == "sub/a.py"
    assert files.name(str(tmp_path / "link" / "a.py")) == "a.py"
    assert files.name(str(tmp_path / "linked" / "a.py")) is None
