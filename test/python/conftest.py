"""Drives a real worker process over its pipes, as the front does."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON_DIR = ROOT / "python"
FIXTURES = ROOT / "test" / "fixtures"
sys.path.insert(0, str(PYTHON_DIR))

from scorefn_worker import protocol as p  # noqa: E402
from scorefn_worker.frames import FrameReader, encode, encode_json, encode_meta  # noqa: E402

SCHEMAS_PYTHON = str(ROOT / "test" / ".envs" / "azmlinfsrv" / "bin" / "python")
"""An interpreter with the real inference-schema, numpy and pandas (test/setup/environments.mjs); it may be missing."""

needs_schemas = pytest.mark.skipif(
    not os.path.exists(SCHEMAS_PYTHON), reason="test environment schemas is missing: node test/setup/environments.mjs"
)
SKLEARN_PYTHON = SCHEMAS_PYTHON
"""An interpreter with the real scikit-learn, joblib and cloudpickle: the same."""

needs_sklearn = needs_schemas
"""Under CI=true a skipped test is a failure, see the end of this file."""

OPENTELEMETRY_PYTHON = SCHEMAS_PYTHON
"""An interpreter with the real opentelemetry-api and opentelemetry-sdk, which the reference server needs: the same."""

needs_opentelemetry = needs_schemas

PYTHON = os.environ.get("SCOREFN_TEST_PYTHON") or sys.executable
"""The interpreter of workers that need no particular packages: that of the tests, or another version."""

PYTHON_VERSION: tuple[int, ...] = tuple(
    json.loads(subprocess.check_output([PYTHON, "-c", "import sys; print(list(sys.version_info[:3]))"]))
)

DEADLINE_S = 180.0
"""Nothing here takes this long, on a busy machine neither; it ends a test that would wait for ever."""


class Worker:
    """One worker process and the front's ends of its pipes."""

    def __init__(self, hello: dict[str, Any], environment: dict[str, str], cwd: Path, python: str) -> None:
        """Start the process and send HELLO."""
        self.cwd = cwd
        self.pipe, to_worker = socket.socketpair()
        self.answers, from_worker = socket.socketpair()
        self.pipe.settimeout(DEADLINE_S)
        self.answers.settimeout(DEADLINE_S)
        self.fault_pipe, fault_end = (end.detach() for end in socket.socketpair())
        self._stdout = tempfile.TemporaryFile()
        self._stderr = tempfile.TemporaryFile()
        # Copies above 10, for descriptors 3 to 5 may be taken in this process.
        ends = (to_worker.fileno(), from_worker.fileno(), fault_end)
        sources = [fcntl.fcntl(number, fcntl.F_DUPFD, 10) for number in ends]
        self.process = subprocess.Popen(
            [python, str(PYTHON_DIR / "worker.py")],
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            pass_fds=(p.TO_WORKER_FD, p.FROM_WORKER_FD, p.FAULT_FD),
            preexec_fn=lambda: [os.dup2(source, 3 + index) for index, source in enumerate(sources)],
            env={**os.environ, **environment},
            cwd=cwd,
        )
        for number in (*sources, fault_end):
            os.close(number)
        to_worker.close()
        from_worker.close()
        self._reader = FrameReader()
        self.pipe.sendall(encode_json(p.HELLO, 0, hello))

    def send(self, kind: int, request: int = 0, payload: bytes = b"", begin_by: int = 0) -> None:
        """Send one frame."""
        self.pipe.sendall(encode(kind, request, payload, begin_by))

    def receive(self) -> tuple[int, int, bytes]:
        """Wait for the next frame: type, request id, payload."""
        while True:
            frame = self._reader.next()
            if frame is not None:
                return frame[:3]
            chunk = self.answers.recv(1 << 20)
            if not chunk:
                raise EOFError(f"the worker is gone: {self.process.wait(DEADLINE_S)}\n{self.stderr()}")
            self._reader.feed(chunk)

    def expect(self, kind: int, request: int = 0) -> bytes:
        """Wait for the next frame, which must be of this type and request, and return its payload."""
        got = self.receive()
        assert got[:2] == (kind, request), got
        return bytes(got[2])

    def expect_json(self, kind: int, request: int = 0) -> dict[str, Any]:
        """Expect a frame with a JSON payload."""
        return json.loads(self.expect(kind, request))

    def result(self, request: int) -> str:
        """Expect a RESULT and return its JSON text."""
        return self.expect(p.RESULT, request)[8:].decode()

    def error(self, request: int, kind: str) -> dict[str, Any]:
        """Expect an ERROR of this kind and return its report."""
        answer = self.expect_json(p.ERROR, request)
        assert answer["kind"] == kind, answer
        return answer["error"]

    def run(self, body: str | bytes = "", request: int = 1) -> str:
        """Send a body and return the JSON text of the result."""
        self.send(p.RUN, request, body.encode() if isinstance(body, str) else body)
        return self.result(request)

    def fail(self, body: str | bytes = "", request: int = 1, kind: str = "run") -> dict[str, Any]:
        """Send a body and return the report of the error that answers it."""
        self.send(p.RUN, request, body.encode() if isinstance(body, str) else body)
        return self.error(request, kind)

    def run_meta(self, meta: dict[str, Any], body: bytes = b"", request: int = 1) -> str:
        """Send a body with meta and return the JSON text of the result."""
        self.pipe.sendall(encode_meta(p.RUN_META, request, meta, body))
        return self.result(request)

    def interrupt(self, request: int, reason: str = "deadline", *, by_signal: bool = True) -> None:
        """Interrupt a request as the front does."""
        order = {"reason": reason, "timeoutMs": 1500} if reason == "deadline" else {"reason": reason}
        self.pipe.sendall(encode_json(p.INTERRUPT, request, order))
        if by_signal:
            self.process.send_signal(signal.SIGUSR1)

    def credit(self, request: int, count: int) -> None:
        """Grant a stream more credit."""
        self.send(p.CREDIT, request, struct.pack("<I", count))

    def ready(self) -> dict[str, Any]:
        """Expect a start that succeeds and return LOADED."""
        self.expect(p.WORKER_HELLO)
        loaded = self.expect_json(p.LOADED)
        self.expect(p.READY)
        return loaded

    def failed(self, stage: str) -> dict[str, Any]:
        """Expect a start that fails in this stage, exit code 3 included, and return FAILED."""
        self.expect(p.WORKER_HELLO)
        kind, _, payload = self.receive()
        if kind == p.LOADED:
            kind, _, payload = self.receive()
        assert kind == p.FAILED, (kind, payload)
        failure = json.loads(payload)
        assert failure["stage"] == stage, failure
        assert self.exit_code() == p.EXIT_FAILED
        return failure

    def stop(self) -> int:
        """Send STOP and return the exit code."""
        self.send(p.STOP)
        return self.exit_code()

    def vanish(self) -> None:
        """Close all pipes, as the system does for a front that is killed."""
        self.pipe.close()
        self.answers.close()
        os.close(self.fault_pipe)
        self.fault_pipe = -1

    def exit_code(self) -> int:
        """Wait for the process to end."""
        return self.process.wait(DEADLINE_S)

    def stdout(self) -> str:
        """What the worker and its script have written so far."""
        return _contents(self._stdout)

    def stderr(self) -> str:
        """What the script has written to stderr so far."""
        return _contents(self._stderr)

    def faults(self) -> str:
        """What the fault handler wrote; the worker must have ended."""
        with os.fdopen(os.dup(self.fault_pipe), "rb") as pipe:
            return pipe.read().decode()

    def close(self) -> None:
        """End the process whatever it does."""
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self.pipe.close()
        self.answers.close()
        if self.fault_pipe >= 0:
            os.close(self.fault_pipe)
        self._stdout.close()
        self._stderr.close()


def _contents(file: Any) -> str:
    file.flush()
    return os.pread(file.fileno(), 1 << 24, 0).decode(errors="replace")


Start = Callable[..., Worker]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An empty app root."""
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


@pytest.fixture
def start(app: Path) -> Iterator[Start]:
    """Start a worker for a script given as text; it becomes score.py in the app root."""
    workers: list[Worker] = []

    def start_worker(
        script: str | None,
        *,
        name: str = "score.py",
        env: dict[str, str] | None = None,
        python: str = PYTHON,
        **hello: Any,
    ) -> Worker:
        path = app / name
        if script is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(script))
        greeting = {
            "protocol": p.PROTOCOL_VERSION,
            "server": "scorefn/test",
            "appRoot": str(app),
            "entryScript": str(path),
            "sourceDirectory": None,
            "modelDir": None,
            "concurrency": 1,
            "logLevel": "INFO",
            "logging": None,
            **hello,
        }
        environment = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", **(env or {})}
        workers.append(Worker(greeting, environment, app.parent, python))
        return workers[-1]

    yield start_worker
    for worker in workers:
        worker.close()


def begin_by_in(seconds: float) -> int:
    """Make the "begin by" of a waiting request that may begin within this time."""
    return (p.monotonic_ns() // (p.TICK_MS * 1_000_000) + round(seconds * 1000) // p.TICK_MS) & 0xFFFFFF or 0xFFFFFF


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that no frame announces."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def own_workers() -> Iterator[list[Worker]]:
    workers: list[Worker] = []
    yield workers
    for each in workers:
        each.close()


@pytest.fixture(scope="session")
def probe() -> Iterator[Any]:
    """What answers requests of the Open Inference Protocol where MLflow is (oip_probe.py)."""
    from oip_asking import Probe

    process = Probe()
    yield process
    process.close()


@pytest.fixture(scope="session", autouse=True)
def _end_served_models() -> Iterator[None]:
    yield
    if "mlflow_worker" in sys.modules:
        sys.modules["mlflow_worker"].end_served()


_OWN_INTERPRETERS = {"flask", "werkzeug", "with the reference server", SCHEMAS_PYTHON, SKLEARN_PYTHON}
"""Parameters of tests that choose the interpreter themselves."""


def _runs_under_python(item: pytest.Item) -> bool:
    """Tell whether a test starts a worker with the interpreter PYTHON."""
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    return (
        bool({"start", "worker", "own_workers"} & set(getattr(item, "fixturenames", ())))
        and item.get_closest_marker("skipif") is None
        and not any(isinstance(value, str) and value in _OWN_INTERPRETERS for value in parameters)
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group what pytest-xdist keeps in one process, and repeat with another interpreter only what that changes."""
    for item in items:
        # A file's tests share what is asked of an interpreter once; those of models, what takes seconds to load.
        shares_models = hasattr(getattr(item, "module", None), "needs_models")
        item.add_marker(pytest.mark.xdist_group("models" if shares_models else item.path.name))
    if sys.executable == PYTHON:
        return
    left_out = [item for item in items if not _runs_under_python(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take a skipped test for a failure where everything that tests need is to be had."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
