"""POST /v2/models/<name>[/versions/<version>]/infer for an MLflow model (the twin of src/no-code/protocol/infer.ts).

numpy and pandas are imported when the first request comes: MLflow has brought them.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from ..failures import BadInput
from .answers import Answer, JsonText
from .oip_body import HEADER_LENGTH, MAX_UNPACKED_BYTES, Parts, choose_encoding, pack, split
from .oip_inputs import arrange
from .oip_outputs import tensors_of
from .oip_raw import raw_request
from .oip_request import Request, read_request
from .oip_shape import shown
from .oip_slots import Slot, slots_of
from .oip_tensors import Tensor, to_bytes, to_json

VERSION = "1"
"""Of a model that has no versions."""

_JSON = "application/json"
_BINARY = "application/octet-stream"


class Served(Protocol):
    """What an MLflow model is to a protocol."""

    name: str
    """In paths and answers."""
    signature: Any
    """MLflow's ModelSignature, or None."""
    takes_list: bool
    """Its signature was made of type hints, by which it takes a list (MLF-9)."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:  # noqa: ANN401
        """Ask the model."""


def answer_infer(
    path: str,
    headers: dict[str, str],
    body: bytes | bytearray | memoryview,
    model: Served,
    max_body_bytes: int = MAX_UNPACKED_BYTES,
) -> JsonText | Answer:
    """Answer a request for inference.

    Args:
        path: Of the request; the server has looked whether its model and version are there.
        headers: Those that the protocol knows, in lower case.
        body: As it came, compressed or not.
        model: Who is asked.
        max_body_bytes: Of a body that came compressed, once it is not.

    Raises:
        BadInput: the request is at fault.
        Exception: whatever predict() raises; UnfitResult for what it returned.
    """
    parts = split(headers, body, max_body_bytes)
    inputs = slots_of(getattr(model.signature, "inputs", None), "input")
    outputs = slots_of(getattr(model.signature, "outputs", None), "output")
    request = _read(parts, headers, inputs, model.name)
    if request.outputs is not None and outputs:
        _check_known(request.outputs, [slot.name for slot in outputs], model.name)
    data = arrange(request.inputs, inputs, model.name, as_list=model.takes_list)
    tensors = tensors_of(model.predict(data, _params(request, model.signature)), outputs)
    if request.outputs is not None:
        _check_known(request.outputs, [tensor.name for tensor in tensors], model.name)
        tensors = [tensor for tensor in tensors if tensor.name in request.outputs]
    return _send(_write(request, tensors), choose_encoding(headers.get("accept-encoding", "")))


def _read(parts: Parts, headers: dict[str, str], inputs: list[Slot], model: str) -> Request:
    if parts.json is None:
        return raw_request(parts.binary, inputs, model)
    try:
        return read_request(parts, model)
    except BadInput as error:
        if HEADER_LENGTH in headers or not headers.get("content-type", "").startswith(_BINARY):
            raise
        raise BadInput(
            f"{error}. A body with binary tensors needs the header Inference-Header-Content-Length"
        ) from None


def _params(request: Request, signature: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """Take the model's own ones of the request's parameters: the others are for servers."""
    schema = getattr(signature, "params", None)
    if schema is None:
        return None
    known = {param.name for param in schema.params}
    return {name: value for name, value in request.parameters.items() if name in known}


def _check_known(wanted: dict[str, bool], known: list[str], model: str) -> None:
    for name in wanted:
        if name not in known:
            expected = ",".join(map(shown, known))
            raise BadInput(
                f"unexpected inference output {shown(name)} for model '{model}'. Expected one of [{expected}]."
            )


def _write(request: Request, tensors: list[Tensor]) -> Parts:
    """Make the two parts of an answer; the second is empty where no output has bytes to be sent in binary."""
    binary = []
    entries = []
    for tensor in tensors:
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.array.shape)}
        if request.wants_binary(tensor.name):
            part = to_bytes(tensor)
            binary.append(part)
            entry["parameters"] = {"binary_data_size": len(part)}
        else:
            entry["data"] = to_json(tensor)
        entries.append(entry)
    members = {"model_name": request.model, "model_version": VERSION, "outputs": entries}
    if request.id is not None:
        members = {"id": request.id, **members}
    return Parts(memoryview(_to_json(members)), memoryview(b"".join(binary)))


def _to_json(members: dict[str, Any]) -> bytes:
    try:
        return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(members, separators=(",", ":")).encode()


def _send(parts: Parts, encoding: str | None) -> JsonText | Answer:
    text, binary = parts.json, parts.binary
    assert text is not None  # noqa: S101 - an answer has always JSON
    if len(binary) == 0 and encoding is None:
        return JsonText(str(text, "utf-8"))
    headers = [("content-type", _BINARY if len(binary) > 0 else _JSON)]
    if len(binary) > 0:
        headers.append((HEADER_LENGTH, str(len(text))))
    body = b"".join((text, binary))
    if encoding is not None:
        headers.append(("content-encoding", encoding))
        body = pack(encoding, body)
    return Answer(headers, body)
