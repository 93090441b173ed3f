"""Workers that serve the MLflow models of test/fixtures/mlflow, with the real MLflow."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import FIXTURES, ROOT, Worker
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta, split_meta

MODELS_PYTHON = str(ROOT / "test" / ".envs" / "models" / "bin" / "python")
"""An interpreter with MLflow (test/setup/environments.mjs); it may be missing."""

needs_models = pytest.mark.skipif(
    not os.path.exists(MODELS_PYTHON), reason="test environment models is missing: node test/setup/environments.mjs"
)
"""Under CI=true a skipped test is a failure (conftest.py)."""

RECORDED = FIXTURES / "mlflow" / "recorded"
JSON = "application/json"


@cache
def models() -> Path:
    """Folder of the models."""
    made = subprocess.run(
        [MODELS_PYTHON, "-B", "-W", "ignore", str(FIXTURES / "mlflow" / "models.py")], check=True, capture_output=True
    )
    return Path(made.stdout.decode().splitlines()[-1])


def recorded(name: str) -> list[dict[str, Any]]:
    """Requests to the real servers, with what they answered."""
    lines = (RECORDED / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def start_model(
    folder: Path, *, name: str = "m", python: str = MODELS_PYTHON, env: dict[str, str] | None = None, **hello: Any
) -> Worker:
    """Start a worker for the model in a folder."""
    greeting = {
        "protocol": p.PROTOCOL_VERSION,
        "appRoot": str(folder),
        "entryScript": None,
        "model": {"kind": "mlflow", "path": str(folder), "name": name},
        **hello,
    }
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", **(env or {})}
    return Worker(greeting, environment, folder, python)


def rounded(text: str) -> str:
    """Shorten numbers of 15 digits and more: a model's last ones depend on the machine that has fitted it."""
    return re.sub(r"-?\d+\.\d{12,}(e-?\d+)?", lambda number: f"{float(number[0]):.9g}", text)


class Got:
    """What a worker sent for one request, and the status that the front makes of it."""

    def __init__(self, worker: Worker, request: int) -> None:
        """Receive it."""
        kind, which, payload = worker.receive()
        assert which == request
        self.headers: dict[str, str] = {}
        self.text = ""
        self.fault: str | None = None
        self.report: dict[str, Any] = {}
        self.status = 200
        if kind == p.RESULT:
            self.text = payload[8:].decode()
        elif kind == p.ERROR:
            error = json.loads(payload)
            self.fault, self.report = error["kind"], error["error"]
            self.status = 400 if self.fault == "input" else 500
        else:
            assert kind == p.RESPONSE
            meta, body = split_meta(payload)
            assert meta["fromScript"] and not meta["stream"], meta
            self.status, self.headers, self.text = meta["status"], dict(meta["headers"]), bytes(body).decode()

    @property
    def rounded(self) -> str:
        """The text with shorter numbers."""
        return rounded(self.text)

    @property
    def message(self) -> str:
        """What is wrong, in words."""
        return self.report["message"]


class Served:
    """A worker that has loaded its model, and what it said of it."""

    def __init__(self, worker: Worker) -> None:
        """Wait until it is loaded."""
        self.worker = worker
        self.loaded = worker.ready()

    def ask(self, path: str, body: str | bytes, *, request: int = 1, **headers: str) -> Got:
        """Send a request, `content_type` and the like as headers, and receive its answer."""
        self.send(path, body, request=request, **headers)
        return Got(self.worker, request)

    def send(self, path: str, body: str | bytes, *, request: int = 1, **headers: str) -> None:
        """Send a request."""
        named = {name.replace("_", "-"): value for name, value in {"content_type": JSON, **headers}.items()}
        data = body.encode() if isinstance(body, str) else body
        self.worker.pipe.sendall(encode_meta(p.RUN_META, request, {"path": path, "headers": named}, data))


_served: dict[str, Served] = {}


def served(name: str) -> Served:
    """The worker of one of the models, one for all tests of a process."""
    if name not in _served:
        _served[name] = Served(start_model(models() / name))
    return _served[name]


def end_served() -> None:
    """End the workers that `served` has started."""
    for each in _served.values():
        each.worker.close()
    _served.clear()
