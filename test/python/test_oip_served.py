"""Saved MLflow models, loaded by a worker, over the Open Inference Protocol."""

from __future__ import annotations

import gzip
import json
import math
import struct
from typing import Any

import pytest
from conftest import Worker
from mlflow_worker import Got, Served, models, needs_models, served, start_model
from oip_asking import tensor
from scorefn_worker import protocol as p
from scorefn_worker.frames import split_meta

pytestmark = needs_models

COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
ROW = [index / 10 for index in range(1, 11)]
PREDICTED = 1234.9864958215362


def infer(model: str, inputs: list[dict[str, Any]], **more: Any) -> Got:
    return served(model).ask("/v2/models/m/infer", json.dumps({"inputs": inputs, **more}))


def outputs(model: str, inputs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    got = infer(model, inputs, **more)
    assert got.status == 200, got.report
    return {output["name"]: output for output in json.loads(got.text)["outputs"]}


def diabetes(datatype: str = "FP64", shape: tuple[int, ...] = (1, 1)) -> list[dict[str, Any]]:
    return [tensor(name, datatype, [value], list(shape)) for name, value in zip(COLUMNS, ROW)]


@pytest.mark.parametrize(("datatype", "shape"), [("FP64", (1, 1)), ("FP64", (1,)), ("FP32", (1,))])
def test_columns_in_json(datatype: str, shape: tuple[int, ...]) -> None:
    """Table J: diabetes, ten inputs [1,1] FP64 (or [1], FP32)."""
    (output,) = outputs("diabetes", diabetes(datatype, shape)).values()
    assert (output["name"], output["datatype"], output["shape"]) == ("output-0", "FP64", [1])
    assert output["data"] == [pytest.approx(PREDICTED, rel=1e-5)]


def test_a_missing_column_is_the_callers_fault() -> None:
    """Table J: MLServer answers it with a blank 500."""
    got = infer("diabetes", diabetes()[1:])
    assert got.status == 400
    assert "missing required input(s) ['age']" in got.message


def test_columns_in_binary() -> None:
    """OIP-19: what tritonclient sends by default, which MLServer refuses."""
    inputs = [
        {"name": name, "shape": [1, 1], "datatype": "FP64", "parameters": {"binary_data_size": 8}} for name in COLUMNS
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    worker = served("diabetes")
    body = head + struct.pack("<10d", *ROW)
    worker.send("/v2/models/m/infer", body, inference_header_content_length=str(len(head)))
    meta, answer = _response(worker.worker)
    assert meta["status"] == 200
    headers = dict(meta["headers"])
    assert headers["content-type"] == "application/octet-stream"
    at = int(headers["inference-header-content-length"])
    assert json.loads(answer[:at])["outputs"][0]["parameters"] == {"binary_data_size": 8}
    assert struct.unpack("<d", answer[at:]) == (pytest.approx(PREDICTED),)


def _response(worker: Worker) -> tuple[dict[str, Any], bytes]:
    kind, _, payload = worker.receive()
    assert kind == p.RESPONSE, payload
    meta, body = split_meta(payload)
    return meta, bytes(body)


def test_a_tensor() -> None:
    rows = tensor("input-0", "FP64", [[5.1, 3.5, 1.4, 0.2], [6, 3, 5, 2]], [2, 4])
    assert outputs("iris", [rows])["output-0"]["data"] == [0, 2]
    wrong = infer("iris", [tensor("input-0", "FP64", [[1, 2, 3]], [1, 3])])
    assert wrong.message == "unexpected shape for input 'input-0' for model 'm'. Expected [-1,4], got [1,3]."


def test_a_raw_request() -> None:
    """OIP-9."""
    worker = served("iris")
    body = struct.pack("<8d", 5.1, 3.5, 1.4, 0.2, 6, 3, 5, 2)
    worker.send("/v2/models/m/infer", body, inference_header_content_length="0")
    meta, answer = _response(worker.worker)
    at = int(dict(meta["headers"])["inference-header-content-length"])
    assert struct.unpack("<2q", answer[at:]) == (0, 2)


def test_named_tensors_of_a_model_that_returns_a_dict() -> None:
    """MLF-27: MLServer answers 500."""
    inputs = [tensor("a", "FP32", [[1, 2], [3, 4]], [2, 2]), tensor("b", "INT64", [5, 2**60 + 1])]
    got = outputs("tensors", inputs)
    assert got["a"]["data"] == [2.0, 4.0, 6.0, 8.0]
    assert got["b"]["data"] == [5, 2**60 + 1]
    assert list(outputs("tensors", inputs, outputs=[{"name": "b"}])) == ["b"]


def test_without_outputs_in_the_signature() -> None:
    """MLF-27: MLServer does not start with it."""
    asked = outputs("outputs", [tensor("k", "BYTES", ["dict"])])
    assert {name: output["data"] for name, output in asked.items()} == {"p": [1, 2], "x": [1.5]}
    failed = infer("outputs", [tensor("k", "BYTES", ["none"])])
    assert (failed.status, failed.message) == (500, "predict() returned None, which no tensor can hold")
    assert outputs("outputs", [tensor("k", "BYTES", ["big"])])["output-0"]["data"] == [2**60 + 1]


def test_without_a_signature() -> None:
    """scikit-learn takes what one array, or several columns, become."""
    rows = [[5.1, 3.5, 1.4, 0.2], [6, 3, 5, 2]]
    assert outputs("iris-nosig", [tensor("x", "FP32", rows, [2, 4])])["output-0"]["data"] == [0, 2]
    columns = [tensor(f"c{index}", "FP64", [row[index] for row in rows]) for index in range(4)]
    assert outputs("iris-nosig", columns)["output-0"]["data"] == [0, 2]


def test_parameters_and_type_hints() -> None:
    (text,) = outputs("params", [tensor("q", "BYTES", ["a"])], parameters={"top_k": 5})["output-0"]["data"]
    assert "'top_k': 5" in text
    wrong = infer("params", [tensor("q", "BYTES", ["a"])], parameters={"top_k": "much"})
    assert wrong.status == 400
    assert "top_k" in wrong.message
    assert "much" not in wrong.message
    assert outputs("hints", [tensor("input-0", "INT64", [1, 2])])["output-0"]["data"] == [2, 3]


@pytest.mark.parametrize("model", ["diabetes", "iris", "tensors", "hints"])
def test_metadata_is_what_requests_are_held_against(model: str) -> None:
    """What metadata names is taken, in no other shape."""
    declared = served(model).loaded["models"][0]["inputs"]
    inputs = [{**one, "shape": [1 if size == -1 else size for size in one["shape"]]} for one in declared]
    for one in inputs:
        count = math.prod(one["shape"])
        one["data"] = ["1"] * count if one["datatype"] == "BYTES" else [1] * count
    assert infer(model, inputs).status == 200
    for index, one in enumerate(inputs):
        wrong = [*inputs[:index], {**one, "shape": [1, 1, 1, 1], "data": one["data"][:1]}, *inputs[index + 1 :]]
        got = infer(model, wrong)
        assert got.status == 400
        assert got.message.startswith(f"unexpected shape for input '{one['name']}' for model 'm'.")


def test_bodies_have_a_limit_once_they_are_not_compressed() -> None:
    folder = models() / "tensors"
    model = {"kind": "mlflow", "path": str(folder), "name": "m", "maxBodyBytes": 100}
    worker = start_model(folder, model=model)
    try:
        asked = Served(worker)
        for path in ("/v2/models/m/infer", "/invocations", "/score"):
            for size, text in ((101, "the body has more than 100 bytes once it is decompressed"), (100, None)):
                got = asked.ask(path, gzip.compress(b" " * size), content_encoding="gzip")
                assert got.status == 400
                assert (got.message == text) is (text is not None), got.message
    finally:
        worker.close()


def test_the_next_request_works() -> None:
    worker: Served = served("iris")
    for body in [b"", b"{", b"\xff", b"[]", b'{"inputs":[]}', b'{"inputs":[{}]}']:
        assert worker.ask("/v2/models/m/infer", body).status == 400
    assert worker.ask("/v2/models/m/infer", b"x" * 33, inference_header_content_length="0").status == 400
    test_a_tensor()
