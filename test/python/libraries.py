"""Environments of scripts by the HTTP library they have."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Worker
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta, split_meta

FLASK_PYTHON = ROOT / "test" / ".envs" / "azmlinfsrv" / "bin" / "python"

LIBRARIES = ("flask", "werkzeug", "none")


def use_library(library: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Interpreter and variables of an environment with this library.

    Args:
        library: Of LIBRARIES.
        folder: Where a module may be put that hides a library.
    """
    if library == "none":
        return sys.executable, {}
    if not FLASK_PYTHON.exists():
        pytest.skip("there is no environment with Flask: node test/setup/environments.mjs azmlinfsrv")
    if library == "werkzeug":
        folder.mkdir(exist_ok=True)
        (folder / "flask.py").write_text("raise ImportError('hidden')\n")
        return str(FLASK_PYTHON), {"PYTHONPATH": str(folder)}
    return str(FLASK_PYTHON), {}


class Answered:
    """What a worker sent for one request."""

    def __init__(self, worker: Worker, request: int = 1) -> None:
        """Receive all of it."""
        self.kind, which, payload = worker.receive()
        assert which == request
        self.meta: dict[str, Any] = {}
        self.chunks: list[bytes] = []
        self.body = b""
        self.result: Any = None
        self.error: dict[str, Any] = {}
        if self.kind == p.RESULT:
            self.result = json.loads(payload[8:])
        elif self.kind == p.ERROR:
            self.error = json.loads(payload)
        else:
            assert self.kind == p.RESPONSE
            self.meta, body = split_meta(payload)
            self.body = bytes(body)
            if self.meta["stream"]:
                self._receive_chunks(worker, request)

    def _receive_chunks(self, worker: Worker, request: int) -> None:
        for kind, which, payload in iter(worker.receive, None):
            assert which == request
            if kind == p.ERROR:
                self.error = json.loads(payload)
            if kind != p.CHUNK:
                assert kind in (p.END, p.ERROR)
                return
            self.chunks.append(bytes(payload))

    def header(self, name: str) -> list[str]:
        """Values of a header."""
        return [value for own, value in self.meta["headers"] if own.lower() == name.lower()]


def ask(worker: Worker, body: bytes = b"", **meta: Any) -> Answered:
    """Send a request to a raw script and receive its answer.

    Args:
        body: The body.
        meta: What differs from `POST /score`.
    """
    whole = {"method": "POST", "path": "/score", "query": "", "headers": {}, "requestId": "r", **meta}
    worker.pipe.sendall(encode_meta(p.RUN_META, 1, whole, body))
    return Answered(worker)


def start_raw(
    library: str, folder: Path, script: str, workers: list[Worker], **hello: Any
) -> tuple[Worker, dict[str, Any]]:
    """Start a script given as text; the worker is also appended to `workers`, to be closed. Returns LOADED too."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "score.py"
    path.write_text(script)
    python, environment = use_library(library, folder / "hidden")
    greeting = {"protocol": p.PROTOCOL_VERSION, "appRoot": str(folder), "entryScript": str(path), **hello}
    worker = Worker(greeting, {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", **environment}, folder, python)
    workers.append(worker)
    return worker, worker.ready()
