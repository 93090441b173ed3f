"""Random tensors come back as they went, and bodies that are spoilt at random are the client's fault or none at all."""

from __future__ import annotations

import json
import math
import random
import struct
from typing import Any

import pytest
from mlflow_worker import needs_models
from oip_asking import Probe

pytestmark = needs_models

FORMATS = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
ROUNDS = 60
SPOILT = 400


def draw(random_: random.Random, datatype: str) -> Any:
    if datatype == "BYTES":
        return "".join(random_.choice('aé\u20ac\U0001f600\0"\\\n') for _ in range(random_.randrange(5)))
    if datatype == "BOOL":
        return random_.random() < 0.5
    if datatype.startswith("FP"):
        return random_.choice([0.0, -0.0, 1.5, math.inf, -math.inf, random_.gauss(0, 100)])
    bits = 8 * struct.calcsize(FORMATS[datatype])
    low = 0 if datatype.startswith("U") else -(2 ** (bits - 1))
    return random_.choice([low, low + 2**bits - 1, random_.randint(low, low + 2**bits - 1)])


def pack(datatype: str, values: list[Any]) -> bytes:
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return struct.pack(f"<{len(values)}{FORMATS[datatype]}", *values)


def unpack(datatype: str, part: bytes) -> list[Any]:
    size = struct.calcsize(FORMATS[datatype])
    return list(struct.unpack(f"<{len(part) // size}{FORMATS[datatype]}", part))


def nest(values: list[Any], shape: list[int]) -> list[Any]:
    for size in reversed(shape[1:]):
        values = [values[at : at + size] for at in range(0, len(values), size)]
    return values


@pytest.mark.parametrize("datatype", [*FORMATS, "BYTES"])
def test_tensors_come_back_as_they_went(probe: Probe, datatype: str) -> None:
    random_ = random.Random(datatype)
    for _ in range(ROUNDS):
        shape = [random_.randrange(4) for _ in range(random_.randrange(1, 4))]
        values = [draw(random_, datatype) for _ in range(math.prod(shape))]
        part = pack(datatype, values)
        sent = {"name": "x", "datatype": datatype, "shape": shape}
        in_binary = {**sent, "parameters": {"binary_data_size": len(part)}}
        head = json.dumps({"inputs": [in_binary], "parameters": {"binary_data_output": True}}).encode()
        answer = probe.send("echo", head + part, inference_header_content_length=str(len(head)))
        assert answer["status"] == 200, answer
        at = int(answer["headers"].get("inference-header-content-length", len(answer["body"])))
        (output,) = json.loads(answer["body"][:at])["outputs"]
        assert (output["datatype"], output["shape"]) == (datatype, shape)
        assert answer["body"][at:] == part
        if datatype == "FP16":
            continue
        if datatype not in ("BOOL", "BYTES"):
            values = unpack(datatype, part)
        is_nested = random_.random() < 0.5 and all(shape)
        answer = probe.infer("echo", [{**sent, "data": nest(values, shape) if is_nested else values}])
        assert answer["status"] == 200, answer
        assert answer["outputs"]["output-0"]["data"] == values
        assert answer["outputs"]["output-0"]["shape"] == shape


def test_spoilt_bodies(probe: Probe) -> None:
    random_ = random.Random(1)
    inputs = [
        {"name": "x", "datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": 8}},
        {"name": "s", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 11}},
        {"name": "i", "datatype": "INT64", "shape": [2, 1], "data": [[1], [2]]},
    ]
    head = json.dumps({"id": "1", "inputs": inputs, "outputs": [], "parameters": {"binary_data_output": True}}).encode()
    body = head + pack("FP32", [1.0, 2.0]) + pack("BYTES", ["ab", "c"])
    assert probe.send("echo", body, inference_header_content_length=str(len(head)))["status"] == 200
    statuses = set()
    for _ in range(SPOILT):
        spoilt = bytearray(body)
        for _ in range(random_.randrange(1, 4)):
            # Half of them behind the JSON, which seldom bears any.
            at = random_.randrange(len(spoilt) if random_.random() < 0.5 else len(body) - len(head))
            at = len(spoilt) - 1 - at
            kind = random_.randrange(3)
            if kind == 0:
                spoilt[at] = random_.randrange(256)
            elif kind == 1:
                del spoilt[at : at + random_.randrange(1, 9)]
            else:
                spoilt[at:at] = random_.choice([b"9", b"-", b"[", b"null", b"\xff", b"e9", b'"'])
        length = len(head) + random_.choice([0, 0, 0, -1, 1, -len(head)])
        answer = probe.send("echo", bytes(spoilt), inference_header_content_length=str(length))
        statuses.add(answer["status"])
        assert answer["status"] in (200, 400), (answer, spoilt)
    assert statuses == {200, 400}
    # And the process is as it was.
    assert probe.infer("echo", [inputs[2]])["status"] == 200
