"""Handshake, loading, shape and init() (contract sections 6 to 8; protocol §3)."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE_S, PYTHON, PYTHON_DIR, Start
from scorefn_worker import protocol as p

FINE = """
    def init(): pass
    def run(data): return data
"""


def records(failure: dict[str, Any], level: str = "ERROR") -> list[str]:
    return [record["message"] for record in failure["records"] if record["level"] == level]


def test_says_hello_first_and_names_its_runtime(start: Start) -> None:
    worker = start(FINE)
    hello = worker.expect_json(p.WORKER_HELLO)
    assert hello["protocol"] == p.PROTOCOL_VERSION
    assert hello["runtime"].startswith("python 3.")
    assert hello["pid"] == worker.process.pid


def test_refuses_another_protocol_version_and_says_both(start: Start) -> None:
    failure = start(FINE, protocol=99).failed("protocol")
    assert "protocol 2" in failure["error"]["message"]
    assert "protocol 99" in failure["error"]["message"]


def test_does_nothing_when_started_by_hand() -> None:
    import subprocess

    done = subprocess.run([PYTHON, str(PYTHON_DIR / "worker.py")], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == p.EXIT_NO_PIPE
    assert "descriptor 3" in done.stderr


def test_gives_the_script_its_name_file_and_module(start: Start, app: Path) -> None:
    """LOAD-3, with its RULE: a dataclass under `from __future__ import annotations` needs the module (WEAK-24)."""
    worker = start("""
        from __future__ import annotations
        import dataclasses, pickle, sys
        @dataclasses.dataclass
        class Point:
            x: int
        def init(): pass
        def run(data): return [__name__, __file__, pickle.loads(pickle.dumps(Point(3))).x, sys.argv]
    """)
    worker.ready()
    path = str(app / "score.py")
    assert json.loads(worker.run()) == ["entry_module", path, 3, [path]]


def test_falls_back_to_main_py(start: Start, app: Path) -> None:
    """LOAD-2."""
    worker = start("def init(): pass\ndef run(data): return __name__\n", name="main.py", entryScript=None)
    worker.ready()
    assert worker.run() == '"main"'
    assert f"Found user script at {app / 'main.py'}" in worker.stdout()


def test_says_what_it_looked_for_when_there_is_no_script(start: Start, app: Path) -> None:
    """LOAD-9."""
    (app / "other.py").write_text("")
    got = records(start(None, entryScript=None).failed("load"))
    assert got[0] == "No score script found. Expected score script main.py."
    assert got[1].startswith("Expected script to be found in PYTHONPATH: [")
    assert got[2] == "Current contents of AML_APP_ROOT: ['other.py']"


def test_a_main_py_that_lacks_another_main_is_not_called_missing(start: Start) -> None:
    """LOAD-10."""
    failure = start("raise ImportError(\"No module named 'main'\")", name="main.py", entryScript=None).failed("load")
    assert not any("No score script found" in record for record in records(failure))


def test_import_path_has_cwd_first_and_app_root_and_source_directory_last(start: Start, app: Path) -> None:
    """LOAD-5 to LOAD-7; the worker's own folder is not in it."""
    worker = start(
        """
        import sys
        def init(): pass
        def run(data): return sys.path
        """,
        name="sub/score.py",
        sourceDirectory="lib",
        env={"PYTHONPATH": "/from/pythonpath"},
    )
    worker.ready()
    path = json.loads(worker.run())
    assert path[:2] == [str(app.parent), "/from/pythonpath"]
    assert path[-2:] == [str(app), str(app / "lib")]
    assert str(PYTHON_DIR) not in path
    assert str(app / "sub") not in path


def test_a_module_of_the_users_may_have_the_name_of_one_of_ours(start: Start, app: Path) -> None:
    for name in ("frames", "protocol", "worker", "requests"):
        (app / f"{name}.py").write_text("mine = True\n")
    worker = start("""
        import frames, protocol, worker, requests
        def init(): pass
        def run(data): return [m.mine for m in (frames, protocol, worker, requests)]
    """)
    worker.ready()
    assert worker.run() == "[true, true, true, true]"


def test_driver_scripts_lend_their_run(start: Start, app: Path) -> None:
    """LOAD-12."""
    (app / "inner.py").write_text("def init(): 1 / 0\ndef run(data): return 'inner'\n")
    worker = start("""
        import inner as driver_module
        def init(): pass
        def run(data): return "outer"
    """)
    worker.ready()
    assert worker.run() == '"inner"'
    expected = f"Found driver script at {app / 'score.py'} and the score script at {app / 'inner.py'}"
    assert expected in worker.stdout()
    assert "Found user script" not in worker.stdout()


@pytest.mark.parametrize(
    ("script", "original"),
    [
        ("def init():\n  pass\n def run(): pass", "IndentationError: unindent does not match"),
        ("def run(:", "SyntaxError"),
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_any_failure_while_importing_ends_the_worker(start: Start, script: str, original: str) -> None:
    """LOAD-9."""
    failure = start(script).failed("load")
    (record,) = records(failure)
    assert original in record
    assert record.endswith(
        "UserScriptImportException: Failed to import user script because it raised an unhandled exception"
    )
    assert "scorefn_worker/" not in record
    assert "<frozen importlib" not in record
    assert failure["error"]["traceback"] == record
    assert failure["error"]["type"] == original.split(":")[0]


def test_a_missing_file_while_importing_has_a_record_of_its_own(start: Start, app: Path) -> None:
    """LOAD-9."""
    first, second = records(start("open('/not/there')").failed("load"))
    assert first == "No such file or directory."
    assert "FileNotFoundError" in second
    assert records(start(None, name="gone.py").failed("load"))[0] == "No such file or directory."


def test_loads_only_what_python_takes_for_a_module(start: Start) -> None:
    """LOAD-4."""
    failure = start(FINE, name="score.txt").failed("load")
    assert "score.txt is not a Python module" in failure["error"]["message"]


@pytest.mark.parametrize(("script", "missing"), [("", "init"), ("run = 1", "init"), ("init = 1", "run")])
def test_init_and_run_must_be_there(start: Start, app: Path, script: str, missing: str) -> None:
    """LOAD-11."""
    (record,) = records(start(script).failed("shape"))
    assert f"User script at {app / 'score.py'} does not have a {missing}() function defined." in record


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("def run(data, /): pass", "run() cannot accept positional-only arguments, *args, or **kwargs."),
        ("def run(data, *more): pass", "run() cannot accept positional-only arguments, *args, or **kwargs."),
        ("def run(data, **more): pass", "run() cannot accept positional-only arguments, *args, or **kwargs."),
        ("def run(): pass", "run() needs to accept an argument for input data."),
        ("def run(request_headers): pass", 'run() needs to accept an argument other than "request_headers".'),
        ("run = 5", "is a int, not a function"),
        ("run = type", "cannot be found out"),
    ],
)
def test_refuses_a_run_of_the_wrong_shape(start: Start, run: str, message: str) -> None:
    """SIG-1, SIG-3, SIG-9."""
    failure = start(f"def init(): pass\n{run}\n").failed("shape")
    assert message in failure["error"]["message"]
    assert message in records(failure)[0]
    assert failure["error"]["hint"]
    if run.startswith("def"):
        assert failure["error"]["location"]["line"] == 2
        assert f"> 2 | {run}" in failure["error"]["codeFrame"]


def test_init_runs_once_before_ready(start: Start) -> None:
    """INIT-1, SIG-5, LOAD-8 in the order of BAN-9."""
    worker = start("""
        calls = 0
        def init():
            global calls
            calls += 1
        def run(data): return calls
    """)
    worker.ready()
    assert [worker.run("", 1), worker.run("", 2)] == ["1", "1"]
    messages = [line.split(" - ", 1)[1] for line in worker.stdout().splitlines()]
    assert messages[0].startswith("Found user script at ")
    assert messages[1:] == [
        "run() is not decorated. Server will invoke it with the input in JSON string.",
        "Invoking user's init function",
        "Users's init has completed successfully",
    ]


@pytest.mark.parametrize("statement", ["raise ValueError('no')", "raise SystemExit(0)", "import sys; sys.exit('bye')"])
def test_any_exception_of_init_ends_the_worker(start: Start, statement: str) -> None:
    """INIT-2."""
    failure = start(f"def run(data): pass\ndef init():\n    {statement}\n").failed("init")
    first, second = records(failure)
    assert first == "User's init function failed"
    assert second.startswith("Encountered Exception Traceback (most recent call last):\n")
    assert second.endswith("UserScriptException: Caught an unhandled exception from the user script")
    assert "scorefn_worker/" not in second
    assert failure["error"]["location"]["function"] == "init"
    assert f"> 3 |     {statement}" in failure["error"]["codeFrame"]


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("import sklearn.svm", "pip install scikit-learn into the environment of "),
        ("import beside", "beside lies beside score.py, but that folder is not on the import path"),
        ("open('/models/none.pkl')", "There is no file /models/none.pkl .* AZUREML_MODEL_DIR is /models"),
        ("import yaml_not_there", "pip install yaml_not_there into"),
    ],
)
def test_hints_at_the_remedy_for_common_causes(start: Start, app: Path, statement: str, hint: str) -> None:
    (app / "sub").mkdir()
    (app / "sub" / "beside.py").touch()
    failure = start(statement, name="sub/score.py", env={"AZUREML_MODEL_DIR": "/models"}).failed("load")
    assert re.search(hint, failure["error"]["hint"]), failure["error"]["hint"]


@pytest.mark.parametrize(
    "path", ["os.environ['AZUREML_MODEL_DIR']", "os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'm')"]
)
def test_hints_at_a_model_directory_that_is_not_set(start: Start, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)
    failure = start(f"import os\ndef run(data): pass\ndef init():\n    {path}\n").failed("init")
    assert failure["error"]["hint"] == "AZUREML_MODEL_DIR is not set; set it with --model_dir."


def test_a_code_frame_marks_line_and_column_of_a_syntax_error(start: Start) -> None:
    failure = start("import os\n\ndef init(): pass\nif True:\n\tx = = 2\n").failed("load")
    location = failure["error"]["location"]
    assert (location["file"], location["line"], location["function"]) == ("score.py", 5, None)
    lines = failure["error"]["codeFrame"].splitlines()
    marked = next(index for index, line in enumerate(lines) if line.startswith("> 5 |"))
    assert lines[marked + 1].index("^") == len("> 5 | ") + location["column"] - 1


def test_the_front_vanishing_during_init_ends_the_worker(start: Start) -> None:
    worker = start("""
        import time
        def init(): time.sleep(600)
        def run(data): pass
    """)
    worker.expect(p.WORKER_HELLO)
    worker.expect(p.LOADED)
    worker.vanish()
    assert worker.exit_code() in (p.EXIT_STOPPED, -signal.SIGKILL)


def test_never_throws_away_a_start_because_of_the_current_directory(start: Start, app: Path) -> None:
    worker = start(FINE, appRoot=os.fspath(app) + "/")
    worker.ready()
    assert worker.run("x") == '"x"'


def test_starts_and_answers_where_the_current_folder_has_vanished(start: Start, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    launcher = tmp_path / "launch.sh"
    launcher.write_text(f'#!/bin/sh\nmkdir {gone} && cd {gone} && rmdir {gone}\nexec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    worker = start(FAILS_WITH_A_FILE, python=str(launcher))
    worker.ready()
    assert worker.run() == "1"
    assert worker.fail("no-such-file", 2)["location"]["function"] == "run"
    assert worker.stop() == 0


FAILS_WITH_A_FILE = """
    def init(): pass
    def run(data):
        if data: open(data)
        exec(compile("pass", "relative.py", "exec"))
        return 1
"""
