"""Asks oip_probe.py, which runs where MLflow is."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

MODELS_PYTHON = str(ROOT / "test" / ".envs" / "models" / "bin" / "python")
needs_models = pytest.mark.skipif(
    not os.path.exists(MODELS_PYTHON), reason="test environment models is missing: node test/setup/environments.mjs"
)

_PROBE = Path(__file__).with_name("oip_probe.py")


class Probe:
    """A process that answers requests."""

    def __init__(self) -> None:
        """Start it."""
        command = [MODELS_PYTHON, str(_PROBE), str(ROOT / "python")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, model: str, body: bytes, **headers: str) -> dict[str, Any]:
        """Ask once; underscores in names of headers are dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        line = json.dumps({"model": model, "headers": named, "body": base64.b64encode(body).decode()})
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "body" in answer:
            answer["body"] = base64.b64decode(answer["body"])
        return answer

    def infer(self, model: str, inputs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Ask in JSON, and read the answer's outputs by their names."""
        answer = self.send(model, json.dumps({"inputs": inputs, **more}).encode())
        if answer["status"] == 200:
            answer["outputs"] = {output["name"]: output for output in json.loads(answer["body"])["outputs"]}
        return answer

    def refusal(self, model: str, inputs: list[dict[str, Any]], **more: Any) -> str:
        """Ask in JSON what is answered 400, and return the text."""
        answer = self.infer(model, inputs, **more)
        assert answer["status"] == 400, answer
        text: str = answer["error"]
        return text

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    """Make an input of a request."""
    return {"name": name, "datatype": datatype, "shape": [len(data)] if shape is None else shape, "data": data}
