"""Every call of the real tritonclient that a server of models answers: python tritonclient_calls.py HOST:PORT.

Prints one JSON object: what each call has given, or the status and message of its error.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from functools import partial
from types import ModuleType
from typing import Callable, Union

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

#: The module for asyncio has a class of its own.
Input = Union[http.InferInput, aio.InferInput]

URL = sys.argv[1]
client = http.InferenceServerClient(URL, concurrency=4)
outcomes: dict[str, object] = {}

ROWS = np.arange(8, dtype=np.float32).reshape(2, 4)
ONES = np.ones((2, 4), dtype=np.float32)


def plain(value: object) -> object:
    """What JSON can hold of a value; arrays say their type and shape."""
    if isinstance(value, np.ndarray):
        items = [plain(item) for item in value.reshape(-1).tolist()]
        return {"dtype": str(value.dtype), "shape": list(value.shape), "items": items}
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # Those that JavaScript would round.
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return value


def record(name: str, call: Callable[[], object]) -> None:
    try:
        outcomes[name] = plain(call())
    except InferenceServerException as error:
        outcomes[name] = {"status": error.status(), "message": error.message()}


def tensor(name: str, data: np.ndarray, binary: bool = True, library: ModuleType = http) -> Input:
    made = library.InferInput(name, list(data.shape), np_to_triton_dtype(data.dtype))
    made.set_data_from_numpy(data, binary_data=binary)
    return made


def pair(binary: bool = True, library: ModuleType = http) -> list[Input]:
    return [tensor("INPUT0", ROWS, binary, library), tensor("INPUT1", ONES, binary, library)]


def wanted(*names: str, binary: bool = True) -> list[http.InferRequestedOutput]:
    return [http.InferRequestedOutput(name, binary_data=binary) for name in names]


def both(result: http.InferResult) -> list[object]:
    return [plain(result.as_numpy(name)) for name in ("OUTPUT0", "OUTPUT1")]


def server() -> None:
    record("live", client.is_server_live)
    record("ready", client.is_server_ready)
    record("model ready", lambda: client.is_model_ready("addsub"))
    record("version ready", lambda: client.is_model_ready("addsub", "1"))
    record("unknown model ready", lambda: client.is_model_ready("nope"))
    record("unknown version ready", lambda: client.is_model_ready("addsub", "9"))
    record("server metadata", client.get_server_metadata)
    record("metadata", lambda: client.get_model_metadata("addsub"))
    record("version metadata", lambda: client.get_model_metadata("addsub", "1"))
    record("unknown metadata", lambda: client.get_model_metadata("nope"))
    record("config", lambda: client.get_model_config("addsub")["max_batch_size"])
    record("index", client.get_model_repository_index)


def compressed(algorithm: str, binary: bool) -> object:
    """Both ways."""
    answer = client.infer(
        "addsub",
        pair(binary),
        outputs=wanted("OUTPUT0", "OUTPUT1", binary=binary),
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    return both(answer)


def echo(model: str, data: np.ndarray, binary: bool) -> np.ndarray:
    """Sends one tensor both ways."""
    return client.infer(model, [tensor("x", data, binary)], outputs=wanted("y", binary=binary)).as_numpy("y")


def forms() -> None:
    record("binary", lambda: both(client.infer("addsub", pair())))
    texts = wanted("OUTPUT0", "OUTPUT1", binary=False)
    record("JSON", lambda: both(client.infer("addsub", pair(False), outputs=texts)))
    record("binary in, JSON out", lambda: both(client.infer("addsub", pair(), outputs=texts)))
    record("JSON in, binary out", lambda: both(client.infer("addsub", pair(False))))
    mixed = [tensor("INPUT0", ROWS, True), tensor("INPUT1", ONES, False)]
    record("mixed", lambda: both(client.infer("addsub", mixed)))
    for algorithm in ("gzip", "deflate"):
        record(f"{algorithm} binary", partial(compressed, algorithm, True))
        record(f"{algorithm} JSON", partial(compressed, algorithm, False))
    record("one output", lambda: client.infer("addsub", pair(), outputs=wanted("OUTPUT1")).as_numpy("OUTPUT0"))
    record("id", lambda: client.infer("addsub", pair(), request_id="r1").get_response()["id"])
    record("latest", lambda: client.infer("addsub", pair()).get_response()["model_version"])
    record("version", lambda: client.infer("addsub", pair(), model_version="1").get_response()["model_version"])
    custom = {"parameters": {"p": 1}, "priority": 1, "timeout": 5_000_000}
    record("parameters", lambda: both(client.infer("addsub", pair(), **custom)))
    later = [client.async_infer("addsub", pair(), request_id=str(index)) for index in range(16)]
    record("async", lambda: [answer.get_result().get_response()["id"] for answer in later])
    record("async values", lambda: both(client.async_infer("addsub", pair()).get_result()))
    empty = np.zeros((0, 4), dtype=np.float32)
    nothing = [tensor("INPUT0", empty), tensor("INPUT1", empty)]
    record("zero batch", lambda: list(client.infer("addsub", nothing).get_output("OUTPUT0")["shape"]))
    none = [tensor("INPUT0", empty, False), tensor("INPUT1", empty, False)]
    out = wanted("OUTPUT0", binary=False)
    record("zero batch JSON", lambda: client.infer("addsub", none, outputs=out).as_numpy("OUTPUT0"))
    body, length = http.InferenceServerClient.generate_request_body(pair())
    record("generated body", lambda: [length, len(body)])


def types() -> None:
    samples = {
        "bool": np.array([True, False]),
        "int8": np.array([-128, 127], dtype=np.int8),
        "uint8": np.array([0, 255], dtype=np.uint8),
        "int16": np.array([-32768, 32767], dtype=np.int16),
        "uint16": np.array([0, 65535], dtype=np.uint16),
        "int32": np.array([-(2**31), 2**31 - 1], dtype=np.int32),
        "uint32": np.array([0, 2**32 - 1], dtype=np.uint32),
        "int64": np.array([-(2**63), 2**53 + 1], dtype=np.int64),
        "uint64": np.array([0, 2**64 - 1], dtype=np.uint64),
        "float16": np.array([1.5, np.inf], dtype=np.float16),
        "float32": np.array([0.1, np.nan], dtype=np.float32),
        "float64": np.array([0.1, -np.inf], dtype=np.float64),
        "string": np.array(["a", "\u00e9\U0001f600", ""], dtype=np.object_),
    }
    for name, data in samples.items():
        record(f"{name} binary", partial(echo, name, data, True))
        record(f"{name} JSON", partial(echo, name, data, False))


def image() -> None:
    pixels = np.random.default_rng(0).random((1, 3, 224, 224), dtype=np.float32)
    for form, binary in {"binary": True, "JSON": False}.items():
        outcomes[f"image {form}"] = bool(np.array_equal(echo("image", pixels, binary), pixels))


def errors() -> None:
    record("unknown model", lambda: client.infer("nope", pair()))
    record("unknown version", lambda: client.infer("addsub", pair(), model_version="2"))
    record("unknown output", lambda: client.infer("addsub", pair(), outputs=wanted("ZZ")))
    record("missing input", lambda: client.infer("addsub", pair()[:1]))
    record("unknown input", lambda: client.infer("addsub", [tensor("Q", ROWS), tensor("INPUT1", ONES)]))
    record(
        "wrong type", lambda: client.infer("addsub", [tensor("INPUT0", ROWS.astype(np.int32)), tensor("INPUT1", ONES)])
    )
    wide = np.ones((1, 5), dtype=np.float32)
    record("wrong shape", lambda: client.infer("addsub", [tensor("INPUT0", wide), tensor("INPUT1", wide)]))
    tall = np.ones((9, 4), dtype=np.float32)
    record("batch too large", lambda: client.infer("addsub", [tensor("INPUT0", tall), tensor("INPUT1", tall)]))
    short = pair()
    short[0]._raw_data = short[0]._raw_data[:-4]
    record("bytes missing", lambda: client.infer("addsub", short))
    classes = [http.InferRequestedOutput("OUTPUT0", class_count=2)]
    record("classification", lambda: client.infer("addsub", pair(), outputs=classes))
    shared = http.InferInput("INPUT0", [2, 4], "FP32")
    shared.set_shared_memory("region", 32)
    record("shared memory", lambda: client.infer("addsub", [shared, pair()[1]]))
    record("next request", lambda: both(client.infer("addsub", pair())))


async def asyncio_client() -> None:
    async with aio.InferenceServerClient(URL) as other:
        inputs = pair(True, aio)
        answers = await asyncio.gather(*(other.infer("addsub", inputs, request_id=str(index)) for index in range(8)))
        outcomes["asyncio"] = [answer.get_response()["id"] for answer in answers]
        outcomes["asyncio values"] = both(answers[0])
        gzip = await other.infer(
            "addsub", inputs, request_compression_algorithm="gzip", response_compression_algorithm="gzip"
        )
        outcomes["asyncio gzip"] = both(gzip)
        outcomes["asyncio ready"] = await other.is_server_ready()


server()
forms()
types()
image()
errors()
asyncio.run(asyncio_client())
client.close()
json.dump(outcomes, sys.stdout)
