"""What Triton, MLServer and tritonclient were recorded to do, asked of an MLflow model (tables I, J and K)."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from conftest import ROOT
from mlflow_worker import needs_models
from oip_asking import Probe

pytestmark = needs_models

CASES = json.loads((ROOT / "test" / "fixtures" / "models" / "infer-cases.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['row']}: {case['name']}")
def test_answers_as_recorded(probe: Probe, case: dict[str, Any]) -> None:
    answer = probe.send(case["model"], base64.b64decode(case["body"]), **case["headers"])
    if "error" in case:
        assert (answer["status"], answer.get("error")) == (400, case["error"])
        return
    assert answer["status"] == 200, answer
    assert answer["headers"] == case["answer"]["headers"]
    body = answer["body"]
    encoding = answer["headers"].get("content-encoding")
    if encoding is not None:
        body = zlib.decompress(body, 31 if encoding == "gzip" else 15)
    assert body == base64.b64decode(case["answer"]["body"])


def test_the_cases_are_many() -> None:
    assert len(CASES) > 80


def test_a_small_body_that_becomes_large(probe: Probe) -> None:
    packed = zlib.compress(b" " * (1 << 24))
    answer = probe.send("idf32", packed, content_encoding="deflate")
    assert answer == {"status": 400, "error": "the body has more than 1048576 bytes once it is decompressed"}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("spoil", [lambda body: body[:-1], lambda body: b"x" + body, lambda body: b""])
def test_a_body_that_is_not_what_its_encoding_says(probe: Probe, encoding: str, spoil: Any) -> None:
    writer = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    answer = probe.send("idf32", spoil(writer.compress(b"{}") + writer.flush()), content_encoding=encoding)
    assert answer["status"] == 400
    assert answer["error"].startswith(f"the body is not {encoding} as its Content-Encoding says: ")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate, gzip;q=0.5", "deflate"),
        ("gzip;q=0", None),
        ("gzip;q=zero", None),
        ("br", None),
        ("", None),
        ("*", None),
    ],
)
def test_chooses_how_to_compress_an_answer(probe: Probe, accepted: str, encoding: str | None) -> None:
    body = b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1]}]}'
    answer = probe.send("idf64", body, accept_encoding=accepted)
    assert answer["headers"].get("content-encoding") == encoding
