"""MLflow models in a worker: what cannot be loaded, interrupts, crashes, and what MLflow does beside (MLF-18)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PYTHON, PYTHON_DIR, eventually
from mlflow_worker import MODELS_PYTHON, Served, models, needs_models, start_model
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta

pytestmark = needs_models

PATH = "/invocations"


def run(program: str, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """Run a program in the models' environment, and read what it prints last as JSON."""
    made = subprocess.run(
        [MODELS_PYTHON, "-B", "-W", "ignore", "-c", program, str(PYTHON_DIR), *arguments],
        check=True,
        capture_output=True,
        env={"PATH": "", **(env or {})},
    )
    return json.loads(made.stdout.decode().splitlines()[-1])


OPEN_ALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from scorefn_worker.failures import StartFailure
from scorefn_worker.no_code import open_model
found = {}
for path in sys.argv[2:]:
    try:
        open_model({"kind": "mlflow", "path": path, "name": "m"}, strict=False)
    except StartFailure as failure:
        found[path.rpartition("/")[2]] = [failure.stage, failure.records[0]["message"], failure.hint]
print(json.dumps(found))
"""


URL_NAMES = ("model #1", "%20")
"""Names of folders that MLflow's own loader takes for parts of URLs."""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, str]]:
    """What has become of all the models that cannot be loaded: stage, record, hint."""
    folder = tmp_path_factory.mktemp("names")
    misnamed = [shutil.copytree(models() / "iris", folder / name) for name in URL_NAMES]
    return run(OPEN_ALL, *(str(path) for path in [*sorted(models().glob("broken-*")), *misnamed]))


@pytest.mark.parametrize(
    ("name", "cause", "hint"),
    [
        ("flavour", 'does not have the "python_function" flavor', "Its flavours are: sklearn. "),  # (MLF-1)
        ("yaml", "while parsing a flow node", "is not what mlflow writes"),
        ("empty", "", "is not what mlflow writes"),
        ("text", "can't decode byte 0xff", "must be a text file in UTF-8"),
        ("loader", "No module named 'mlflow.nope'", "This MLflow has no mlflow.nope"),
        ("artifact", "File is not a zip file", "damaged or cut off"),
        ("pickle", "", "damaged or cut off"),
        ("missing", "No such file or directory", "damaged or cut off"),
        ("python", "", "The model was saved with Python 3.4, and "),
        (
            "package",
            "No module named 'not_installed_anywhere'",
            "The model needs not_installed_anywhere. Install what ",
        ),
        ("exits", "SystemExit", ""),
    ],
)
def test_what_cannot_be_loaded_says_why_and_what_to_do(failures: Any, name: str, cause: str, hint: str) -> None:
    stage, record, found = failures[f"broken-{name}"]
    assert stage == "model"
    assert re.search(r"ModelLoadException: The model in .* could not be loaded", record)
    assert cause in record
    assert hint in (found or "")


@pytest.mark.parametrize("name", URL_NAMES)
def test_a_folder_of_a_name_that_mlflow_refuses(failures: Any, name: str) -> None:
    assert "has a # or a %, which MLflow takes for those of URLs" in failures[name][2]


def test_the_front_is_told() -> None:
    worker = start_model(models() / "broken-flavour")
    try:
        failure = worker.failed("model")
    finally:
        worker.close()
    assert failure["error"]["type"] == "MlflowException"
    assert "Its flavours are: sklearn" in failure["error"]["hint"]
    assert failure["records"][0]["level"] == "ERROR"


LOADED_WITH_A_MODEL = """
import json, sys
sys.path.insert(0, sys.argv[1])
import scorefn_worker.no_code.opening
wanted = [f"scorefn_worker.no_code.{name}" for name in ("oip", "oip_tensors", "score", "invocations", "unpack")]
print(json.dumps([name for name in wanted if name not in sys.modules]))
"""


def test_no_protocol_is_left_for_the_first_request_to_import() -> None:
    assert run(LOADED_WITH_A_MODEL) == []


def test_without_mlflow_it_says_what_to_install() -> None:  # (MLF-15)
    folder = models() / "diabetes"
    worker = start_model(folder, python=PYTHON)
    try:
        failure = worker.failed("model")
    finally:
        worker.close()
    assert failure["error"]["message"] == "No module named 'mlflow'"
    assert "mlflow-skinny is enough" in failure["error"]["hint"]
    assert f"pip install -r {folder / 'requirements.txt'}" in failure["error"]["hint"]


def test_without_skops_it_says_so(tmp_path: Path) -> None:  # (MLF-15)
    (tmp_path / "skops").mkdir()
    text = "raise ModuleNotFoundError(\"No module named 'skops'\", name='skops')\n"
    (tmp_path / "skops" / "__init__.py").write_text(text)
    found = run(OPEN_ALL, str(models() / "diabetes"), env={"PYTHONPATH": str(tmp_path)})
    assert "pip install skops" in found["diabetes"][2]


WATCHED = """
import json, sys, threading
sys.path.insert(0, sys.argv[1])
calls = []
watched = ("socket.connect", "socket.getaddrinfo")
sys.addaudithook(lambda event, args: calls.append(event) if event in watched else None)
from scorefn_worker.no_code import open_model
from scorefn_worker.no_code.request import Request
meta = {"path": "/invocations", "headers": {"content-type": "application/json"}}
texts = []
for path in sys.argv[2:]:
    script = open_model({"kind": "mlflow", "path": path, "name": "m"}, strict=False)
    request = Request(meta, memoryview(b'{"inputs": [[5.1, 3.5, 1.4, 0.2]]}'))
    texts.append(script.render(script.run(request)))
servers = [name for name in ("mlflow.pyfunc.scoring_server", "mlflow.server", "flask") if name in sys.modules]
print(json.dumps([texts, calls, [thread.name for thread in threading.enumerate()], servers]))
"""


def test_mlflow_calls_nobody_and_brings_no_server_whatever_the_path(tmp_path: Path) -> None:  # (MLF-18)
    odd = tmp_path / "a model é%?x"
    shutil.copytree(models() / "iris", odd)
    # Without variables that say that this is CI, where MLflow is silent by itself.
    texts, calls, threads, servers = run(WATCHED, str(models() / "iris"), str(odd), env={"HOME": "/nonexistent"})
    assert texts == ['{"predictions": [0]}'] * 2
    assert calls == []
    assert threads == ["MainThread"]
    assert servers == []


@pytest.fixture
def acts() -> Iterator[Served]:
    each = Served(start_model(models() / "acts"))
    yield each
    each.worker.close()


class TestRequests:
    def test_that_never_end_are_interrupted_and_the_next_works(self, acts: Served) -> None:
        # What is warned of while it loads stands in the log, once.
        assert acts.worker.stdout().count("Add type hints to the `predict` method") == 1
        assert acts.worker.stderr() == ""
        acts.send(PATH, '{"inputs": ["loop"]}')
        eventually(lambda: "it loops" in acts.worker.stdout())
        acts.worker.interrupt(1)
        assert acts.worker.error(1, "interrupted")["type"] == "TimeoutError"
        pid, loaded_by = json.loads(acts.ask(PATH, '{"inputs": ["print"]}', request=2).text)["predictions"]
        assert pid == loaded_by == acts.worker.process.pid
        assert "azmlinfsrv.print - printed by the model" in acts.worker.stdout()
        # What the model raises besides, and what the client does.
        assert acts.ask(PATH, '{"inputs": ["exit"]}', request=3).fault == "run"
        assert acts.ask(PATH, "{", request=4).fault == "input"
        # An INTERRUPT whose signal comes while nothing runs is forgotten.
        acts.worker.interrupt(4)
        assert acts.ask(PATH, '{"inputs": [""]}', request=5).status == 200
        assert acts.worker.stop() == p.EXIT_STOPPED

    def test_that_end_the_process_end_it(self, acts: Served) -> None:
        acts.send(PATH, '{"inputs": ["die"]}')
        assert acts.worker.exit_code() == 9


def test_a_place_in_a_trace_and_members_of_records_do_no_harm() -> None:
    worker = start_model(models() / "outputs", logFormat="json", strict=True)
    try:
        each = Served(worker)
        place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        meta = {"path": PATH, "headers": {"content-type": "application/json"}, "traceparent": place}
        asked = b'{"inputs": ["%s"]}'
        for number, what in enumerate((b"dict", b"raise", b"nan"), 1):
            fields = {"logFields": f',"request_id":"r-{number}"'}
            worker.pipe.sendall(encode_meta(p.RUN_META, number, {**meta, **fields}, asked % what))
        assert worker.result(1) == '{"predictions": {"p": [1, 2], "x": 1.5}}'
        assert worker.error(2, "input")
        # Served strictly, what is no JSON is none (OUT-1).
        assert "NaN or Infinity" in worker.error(3, "result")["message"]
        assert each.loaded["takes"] == "model"
        line = next(line for line in worker.stdout().splitlines() if "boom with a secret" in line)
        assert json.loads(line)["request_id"] == "r-2"
    finally:
        worker.close()
