"""What an MLflow model is given for tensors, and what becomes of what it returns (OIP-20, MLF-27)."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from mlflow_worker import needs_models
from oip_asking import Probe, tensor

pytestmark = needs_models

COLUMNS = {
    "boolean": tensor("boolean", "BOOL", [True, False]),
    "integer": tensor("integer", "INT32", [1, 2]),
    "long": tensor("long", "INT64", [2**60 + 1, 2]),
    "float": tensor("float", "FP32", [0.5, 2]),
    "double": tensor("double", "FP64", [0.1, 2]),
    "string": tensor("string", "BYTES", ["a", "é"]),
    "binary": tensor("binary", "BYTES", ["YWI=", ""]),
    "datetime": tensor("datetime", "BYTES", ["2024-01-02", "2024-01-02T03:04:05+01:00"]),
}


def given(probe: Probe, model: str, inputs: list[dict[str, Any]], **more: Any) -> list[str]:
    """What predict() says it was given."""
    answer = probe.infer(model, inputs, **more)
    assert answer["status"] == 200, answer
    data: list[str] = answer["outputs"]["output-0"]["data"]
    return data


def columns(**changed: dict[str, Any]) -> list[dict[str, Any]]:
    return list({**COLUMNS, **changed}.values())


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_columns_of_every_type(probe: Probe, shape: list[int]) -> None:
    inputs = [{**column, "shape": shape} for column in reversed(columns())]
    # Texts are of a type of their own from pandas 3 on.
    assert [said.replace(" str ", " object ") for said in given(probe, "columns", inputs)] == [
        "boolean bool [True, False]",
        "integer int32 [1, 2]",
        "long int64 [1152921504606846977, 2]",
        "float float32 [0.5, 2.0]",
        "double float64 [0.1, 2.0]",
        "string object ['a', 'é']",
        "binary object [b'ab', b'']",
        "datetime datetime64[ns] [Timestamp('2024-01-02 00:00:00'), Timestamp('2024-01-02 02:04:05')]",
    ]


def test_columns_take_what_they_can_hold(probe: Probe) -> None:
    cast = {
        "boolean": tensor("boolean", "INT64", [1, 0]),
        "integer": tensor("integer", "FP64", [1, -2]),
        "long": tensor("long", "UINT8", [255, 0]),
        "float": tensor("float", "FP64", [0.1, 1e39]),
        "double": tensor("double", "BOOL", [True, False]),
        "maybe": tensor("maybe", "INT8", [1, 2]),
    }
    said = given(probe, "columns", columns(**cast))
    assert said[:5] == [
        "boolean bool [True, False]",
        "integer int32 [1, -2]",
        "long int64 [255, 0]",
        "float float32 [0.10000000149011612, inf]",
        "double float64 [1.0, 0.0]",
    ]
    assert said[-1] == "maybe float64 [1.0, 2.0]"


@pytest.mark.parametrize(
    ("name", "datatype", "data"),
    [
        ("boolean", "INT64", [2, 0]),
        ("integer", "FP64", [1.5, 0]),
        ("integer", "FP64", [float("nan"), 0]),
        ("integer", "INT64", [2**31, 0]),
        ("long", "UINT64", [2**63, 0]),
        ("long", "FP64", [float(2**63), 0]),
    ],
)
def test_columns_refuse_what_they_cannot_hold(probe: Probe, name: str, datatype: str, data: list[Any]) -> None:
    text = probe.refusal("columns", columns(**{name: tensor(name, datatype, data)}))
    expected = COLUMNS[name]["datatype"]
    assert text == f"inference input '{name}' has values that do not fit {expected}, as model 'columns' expects"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (tensor("string", "INT32", [1, 2]), "data-type is 'INT32', but model 'columns' expects 'BYTES'"),
        (tensor("double", "BYTES", ["1", "2"]), "data-type is 'BYTES', but model 'columns' expects 'FP64'"),
        (tensor("binary", "BYTES", ["é", ""]), "has texts that are not base64, as model 'columns' expects"),
        (
            tensor("datetime", "BYTES", ["no", "2024"]),
            "has texts that are no ISO 8601 dates, as model 'columns' expects",
        ),
    ],
)
def test_columns_of_another_type(probe: Probe, changed: dict[str, Any], text: str) -> None:
    assert (
        probe.refusal("columns", columns(**{changed["name"]: changed})) == f"inference input '{changed['name']}' {text}"
    )


def test_columns_of_different_length(probe: Probe) -> None:
    text = probe.refusal("columns", columns(double=tensor("double", "FP64", [1, 2, 3])))
    assert text == "input 'double' batch size does not match other inputs for 'columns': got 3 after 2"


@pytest.mark.parametrize("shape", [[1, 2], [2, 1, 1], []])
def test_columns_of_another_shape(probe: Probe, shape: list[int]) -> None:
    data = [1.0] if shape == [] else [1.0, 2.0]
    text = probe.refusal("columns", columns(double=tensor("double", "FP64", data, shape)))
    got = ",".join(map(str, shape))
    assert text == f"unexpected shape for input 'double' for model 'columns'. Expected [-1,1], got [{got}]."


def test_a_missing_column_and_one_too_many(probe: Probe) -> None:
    rest = columns()[:-1]
    text = probe.refusal("columns", rest)
    assert "but missing required input(s) ['datetime']. Please provide" in text
    text = probe.refusal("columns", [*columns(), tensor("zz", "FP64", [1, 2]), tensor("zzz", "FP64", [1, 2])])
    assert text.endswith("of which ['zz','zzz'] are unknown.")


def test_binary_columns_take_any_bytes(probe: Probe) -> None:
    part = struct.pack("<I", 2) + b"\xff\x00" + struct.pack("<I", 0)
    binary = {"name": "binary", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": len(part)}}
    head = json.dumps({"inputs": columns(binary=binary)}).encode()
    answer = probe.send("columns", head + part, inference_header_content_length=str(len(head)))
    assert "binary object [b'\\xff\\x00', b'']" in json.loads(answer["body"])["outputs"][0]["data"]
    # Those of text do not.
    text = {**binary, "name": "string"}
    head = json.dumps({"inputs": columns(string=text)}).encode()
    answer = probe.send("columns", head + part, inference_header_content_length=str(len(head)))
    where = "for inference input 'string' for model 'columns'"
    assert answer == {"status": 400, "error": f"string element 0 {where} is not UTF-8: invalid start byte"}


def test_columns_without_names(probe: Probe) -> None:
    inputs = [tensor("input-1", "INT64", [3]), tensor("input-0", "FP64", [1])]
    assert given(probe, "unnamed-columns", inputs) == ["0 float64 [1.0]", "1 int64 [3]"]


def test_columns_of_lists_and_of_objects(probe: Probe) -> None:
    matrix = tensor("v", "FP64", [[1, 2], [3, 4]], [2, 2])
    (said,) = given(probe, "array", [matrix])
    assert "[1.0, 2.0]" in said.replace("array(", "").replace(")", "").replace("1., 2.", "1.0, 2.0")
    (said,) = given(probe, "map", [tensor("m", "BYTES", ['{"a": 1}'])])
    assert said.replace("np.int64(1)", "1") == "m object [{'a': 1}]"
    assert "not JSON" in probe.refusal("map", [tensor("m", "BYTES", ["{"])])


@pytest.mark.parametrize("name", ["input-0", "whatever"])
def test_a_tensor_without_name(probe: Probe, name: str) -> None:
    said = given(probe, "tensor", [tensor(name, "FP64", [[1, 2]], [1, 2])])
    assert said == ["ndarray float64 [[1.0, 2.0]]"]


@pytest.mark.parametrize(("datatype", "is_safe"), [("FP32", True), ("INT32", True), ("INT8", True), ("BYTES", False)])
def test_tensors_are_cast_when_that_is_safe(probe: Probe, datatype: str, is_safe: bool) -> None:
    data = ["1", "2"] if datatype == "BYTES" else [1, 2]
    answer = probe.infer("tensor", [tensor("x", datatype, data, [1, 2])])
    assert answer["status"] == (200 if is_safe else 400)
    assert is_safe or answer["error"] == "inference input 'x' data-type is 'BYTES', but model 'tensor' expects 'FP64'"
    unsafe = probe.refusal("idf32", [tensor("x", "FP64", [1, 2], [1, 2])])
    assert unsafe == "inference input 'x' data-type is 'FP64', but model 'idf32' expects 'FP32'"


def test_tensors_of_dates_and_words(probe: Probe) -> None:
    assert given(probe, "dates", [tensor("t", "BYTES", ["2024-01-02"])]) == ["t datetime64[ns] [1704153600000000000]"]
    assert "not datetime64[ns]" in probe.refusal("dates", [tensor("t", "BYTES", ["no"])])
    (said,) = given(probe, "words", [tensor("w", "BYTES", ["a", "é"])])
    assert said.endswith("['a', 'é']")


def test_without_a_signature(probe: Probe) -> None:
    one = tensor("x", "FP32", [[1, 2]], [1, 2])
    assert given(probe, "undeclared", [one]) == ["ndarray float32 [[1.0, 2.0]]"]
    frame = [tensor("b", "INT64", [1, 2]), tensor("a", "BYTES", ["x", "y"], [2, 1])]
    said = given(probe, "undeclared", frame)
    assert said[0] == "b int64 [1, 2]"
    assert said[1].endswith("['x', 'y']")
    arrays = [one, tensor("b", "INT64", [1, 2])]
    assert given(probe, "undeclared", arrays) == ["x float32 [[1.0, 2.0]]", "b int64 [1, 2]"]
    assert probe.refusal("undeclared", []) == "expected at least 1 input but got 0 inputs for model 'undeclared'"
    raw = probe.send("undeclared", b"1234", inference_header_content_length="0")
    assert raw["status"] == 400


def test_parameters(probe: Probe) -> None:
    inputs = [tensor("q", "BYTES", ["a"])]
    assert given(probe, "params", inputs) == ["{'temperature': 0.5, 'stop': ['a']}"]
    more = {"parameters": {"temperature": 1, "stop": ["x", "y"], "priority": 3, "binary_data_output": False}}
    assert given(probe, "params", inputs, **more) == ["{'temperature': 1.0, 'stop': ['x', 'y']}"]
    text = probe.refusal("params", inputs, parameters={"temperature": "hot"})
    assert "temperature" in text
    assert "hot" not in text


RESULTS = {
    "frame": {"a": ("INT64", [2, 1], [1, 2]), "b": ("BYTES", [2, 1], ["x", "y"]), "c": ("FP64", [2, 1], "[1.5, nan]")},
    "frame with numbers for names": {"0": ("FP64", [1, 1], [1.5]), "1": ("FP64", [1, 1], [2.5])},
    "frame of nullable": {"i": ("FP64", [2, 1], "[1.0, nan]"), "b": ("BOOL", [2, 1], [True, False])},
    "frame of categories": {"k": ("BYTES", [3, 1], ["x", "y", "x"])},
    "series": {"s": ("INT64", [2, 1], [1, 2])},
    "series without name": {"output-0": ("FP64", [2, 1], [1, 2])},
    "matrix": {"output-0": ("FP64", [2, 2], [1, 2, 3, 4])},
    "infinities": {"output-0": ("FP64", [4], "[1.0, nan, inf, -inf]")},
    "float32": {"output-0": ("FP32", [2], [0.10000000149011612, 0.20000000298023224])},
    "big-endian": {"output-0": ("INT64", [2], [1, 2])},
    "large integers": {"output-0": ("INT64", [2], [2**60 + 1, -(2**63)])},
    "unsigned": {"output-0": ("UINT64", [1], [2**64 - 1])},
    "flags": {"output-0": ("BOOL", [2], [True, False])},
    "dict": {"p": ("INT64", [2], [1, 2]), "x": ("FP64", [1], [1.5]), "s": ("BYTES", [2], ["a", "b"])},
    "records": {"label": ("BYTES", [2, 1], ["a", "b"]), "score": ("FP64", [2, 1], [0.5, 0.25])},
    "texts": {"output-0": ("BYTES", [2], ["a", "é"])},
    "text": {"output-0": ("BYTES", [1], ["hello"])},
    "number": {"output-0": ("INT64", [1], [3])},
    "dates": {"output-0": ("BYTES", [1], ["2024-01-02T03:04:05"])},
    "empty": {"output-0": ("FP64", [0, 3], [])},
    "strided": {"output-0": ("INT64", [3, 2], [0, 3, 1, 4, 2, 5])},
    "half a pair": {"output-0": ("BYTES", [1], ["\ud83d"])},
    "list": {"output-0": ("INT64", [2, 2], [1, 2, 3, 4])},
}
ANY_INPUT = [tensor("x", "FP64", [1])]


@pytest.mark.parametrize("name", RESULTS)
def test_what_predict_returns(probe: Probe, name: str) -> None:
    answer = probe.infer(f"result {name}", ANY_INPUT)
    assert answer["status"] == 200, answer
    outputs = {
        name: (output["datatype"], output["shape"], output["data"]) for name, output in answer["outputs"].items()
    }
    assert list(outputs) == list(RESULTS[name])
    for output, (datatype, shape, data) in RESULTS[name].items():
        got = outputs[output]
        assert (got[0], got[1]) == (datatype, shape)
        assert (str(got[2]) if isinstance(data, str) else got[2]) == data


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("half", struct.pack("<e", 1.5)),
        ("bytes", struct.pack("<I", 4) + b"ab\x00\xff"),
        ("half a pair", struct.pack("<I", 3) + "\ufffd".encode()),
        ("big-endian", struct.pack("<2q", 1, 2)),
        ("strided", struct.pack("<6q", 0, 3, 1, 4, 2, 5)),
        ("flags", b"\x01\x00"),
    ],
)
def test_what_predict_returns_in_binary(probe: Probe, name: str, part: bytes) -> None:
    body = json.dumps({"inputs": ANY_INPUT, "parameters": {"binary_data_output": True}}).encode()
    answer = probe.send(f"result {name}", body)
    assert answer["headers"]["content-type"] == "application/octet-stream"
    assert answer["body"][int(answer["headers"]["inference-header-content-length"]) :] == part


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("none", "predict() returned None, which no tensor can hold"),
        ("no outputs", "predict() returned an empty dict, which has no outputs"),
        ("set", "predict() returned a set among the values of output 'output-0', which no tensor can hold"),
        ("mixed", "predict() returned a int among the values of output 'output-0', which no tensor can hold"),
        ("complex", "predict() returned complex128 for output 'output-0', which no tensor can hold"),
        ("nested", "predict() returned a dict among the values of output 'a', which no tensor can hold"),
        ("different keys", "predict() returned a list of dicts with different keys, which no tensors can hold"),
        ("beyond 64 bits", "predict() returned a int among the values of output 'output-0', which no tensor can hold"),
        ("frame with None", "predict() returned a NoneType among the values of output 'b', which no tensor can hold"),
    ],
)
def test_what_no_tensor_can_hold(probe: Probe, name: str, text: str) -> None:
    answer = probe.infer(f"result {name}", ANY_INPUT)
    assert answer == {"status": 500, "error": f"UnfitResult: {text}"}


def test_ragged_lists_are_no_array(probe: Probe) -> None:
    answer = probe.infer("result ragged", ANY_INPUT)
    assert answer["status"] == 500
    assert answer["error"].startswith("UnfitResult: predict() returned for output 'output-0' what is no array: ")


def test_half_floats_and_bytes_need_binary(probe: Probe) -> None:
    assert probe.refusal("result half", ANY_INPUT).startswith("sending FP16 data via JSON is not supported.")
    assert probe.refusal("result bytes", ANY_INPUT).startswith("output 'output-0' has bytes that are not UTF-8")


@pytest.mark.parametrize(
    ("declared", "name", "shape"),
    [
        ("tensor", "output-0", [2]),
        ("named tensor", "score", [2]),
        ("column", "output-0", [2, 1]),
        ("named column", "score", [2, 1]),
    ],
)
def test_an_output_has_the_name_and_shape_that_are_declared(
    probe: Probe, declared: str, name: str, shape: list[int]
) -> None:
    answer = probe.infer(f"declared {declared}", ANY_INPUT)
    assert {name: output["shape"] for name, output in answer["outputs"].items()} == {name: shape}
    wanted = probe.infer(f"declared {declared}", ANY_INPUT, outputs=[{"name": name}])
    assert list(wanted["outputs"]) == [name]
    text = probe.refusal(f"declared {declared}", ANY_INPUT, outputs=[{"name": "zz"}])
    assert text == f"unexpected inference output 'zz' for model 'm'. Expected one of ['{name}']."


def test_a_matrix_whose_columns_are_declared(probe: Probe) -> None:
    answer = probe.infer("declared two columns", ANY_INPUT)
    assert [(output["name"], output["data"]) for output in answer["outputs"].values()] == [("p", [1, 3]), ("q", [2, 4])]


MODELS = ["columns", "unnamed-columns", "array", "map", "tensor", "dates", "words", "undeclared", "idstr", "idfp16"]


@pytest.mark.parametrize("model", [*MODELS, "declared column", "declared two columns"])
def test_metadata_is_what_requests_are_held_against(probe: Probe, model: str) -> None:
    for told, held in probe.facts(model):
        assert told == held
