"""A request of the Open Inference Protocol: what it brings, and what it wants to have."""

from __future__ import annotations

import json
from typing import Any

from ..failures import BadInput
from .oip_body import Parts
from .oip_shape import kind_of, read_shape, shown, shown_number, whole
from .oip_tensors import BYTES, NUMPY_NAMES, Tensor, from_bytes, from_json

_ABSENT = object()


class Request:
    """A request whose JSON and sizes fit together; whether they fit the model is not known yet."""

    def __init__(self, model: str) -> None:
        """Begin with what a raw request has."""
        self.model = model
        self.id: str | None = None
        self.inputs: list[Tensor] = []
        self.parameters: dict[str, Any] = {}
        self.outputs: dict[str, bool] | None = None
        """Which ones are wanted, and whether in binary; None: all."""
        self.all_binary = True
        """Whether those are that `outputs` does not name."""

    def wants_binary(self, name: str) -> bool:
        """Tell whether an output is to be sent in binary."""
        return self.all_binary if self.outputs is None else self.outputs[name]


def read_request(parts: Parts, model: str) -> Request:
    """Read a request that has JSON.

    Raises:
        BadInput: it is malformed.
    """
    members = _members(_parse(parts), "request")
    request = Request(model)
    rest = parts.binary
    names = set()
    for index, value in enumerate(_list(members, "inputs")):
        entry = _members(value, f"inputs[{index}]")
        name = _name(entry, f"inputs[{index}]")
        if name in names:
            raise BadInput(f"input {shown(name)} already exists in request")
        names.add(name)
        tensor, rest = _read_input(entry, name, rest, model)
        request.inputs.append(tensor)
    if len(rest) > 0:
        raise BadInput(f"unexpected additional input data for model '{model}'")
    request.id = _id(members.get("id"))
    wanted = _outputs(members) if members.get("outputs") is not None else {}
    request.parameters = _parameters(members, "request")
    request.all_binary = _flag(request.parameters, "binary_data_output", "request") or False
    if wanted:
        request.outputs = {name: request.all_binary if flag is None else flag for name, flag in wanted.items()}
    return request


def _parse(parts: Parts) -> Any:  # noqa: ANN401
    try:
        return json.loads(str(parts.json, "utf-8"))  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        raise BadInput(f"Input cannot be decoded as UTF-8: {error}") from None
    except (ValueError, RecursionError) as error:  # nested too deeply for Python's reader: the client's fault, too
        raise BadInput(f"failed to parse the request JSON buffer: {error}") from None


def _id(value: Any) -> str | None:  # noqa: ANN401
    # Triton leaves out an empty one, too.
    if value is None or value == "":
        return None
    if type(value) is not str:
        raise BadInput(f"Unable to parse 'id': expected a string, got {kind_of(value)}")
    return value


def _read_input(entry: dict[str, Any], name: str, rest: memoryview, model: str) -> tuple[Tensor, memoryview]:
    if "datatype" not in entry:
        raise BadInput(f"Unable to parse 'datatype' of input {shown(name)}: there is no such member")
    datatype = entry["datatype"]
    if type(datatype) is not str or (datatype not in NUMPY_NAMES and datatype != BYTES):
        raise BadInput(f"invalid datatype for input {shown(name)[1:-1]}")
    shape = read_shape(entry, name)
    parameters = _parameters(entry, f"input {shown(name)}")
    _refuse_shared_memory(parameters, f"input {shown(name)}")
    has_size = "binary_data_size" in parameters
    if has_size == ("data" in entry):
        found = "more than one field is set" if has_size else "no field is set"
        raise BadInput(
            "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters'. "
            f"But for input {shown(name)} {found}"
        )
    if not has_size:
        return Tensor(name, datatype, from_json(entry["data"], datatype, shape, name)), rest
    size = whole(parameters["binary_data_size"])
    if size is None:
        raise BadInput(
            f"Unable to parse 'binary_data_size' of input {shown(name)}: expected an unsigned integer, "
            f"got {shown_number(parameters['binary_data_size'])}"
        )
    if size > len(rest):
        missing = size - len(rest)
        raise BadInput(
            f"unexpected size for input {shown(name)}, expecting {missing} additional bytes for model '{model}'"
        )
    return Tensor(name, datatype, from_bytes(rest[:size], datatype, shape, name, model)), rest[size:]


def _outputs(members: dict[str, Any]) -> dict[str, bool | None]:
    """Tell by name whether an output is wanted as bytes; None: as all others are."""
    wanted = {}
    for index, value in enumerate(_list(members, "outputs")):
        entry = _members(value, f"outputs[{index}]")
        name = _name(entry, f"outputs[{index}]")
        place = f"output {shown(name)}"
        parameters = _parameters(entry, place)
        _refuse_shared_memory(parameters, place)
        if "classification" in parameters:
            raise BadInput(f"'classification' of {place} is not supported: ask for its tensor and sort it")
        wanted[name] = _flag(parameters, "binary_data", place)
    return wanted


def _name(entry: dict[str, Any], place: str) -> str:
    name = entry.get("name", _ABSENT)
    if type(name) is not str:
        reason = "there is no such member" if name is _ABSENT else f"expected a string, got {kind_of(name)}"
        raise BadInput(f"Unable to parse 'name' of {place}: {reason}")
    return name


def _flag(parameters: dict[str, Any], name: str, place: str) -> bool | None:
    value = parameters.get(name, _ABSENT)
    if value is _ABSENT:
        return None
    if type(value) is not bool:
        raise BadInput(f"Unable to parse '{name}' of {place}: expected true or false, got {kind_of(value)}")
    return value


def _refuse_shared_memory(parameters: dict[str, Any], place: str) -> None:
    if "shared_memory_region" in parameters:
        raise BadInput(f"'shared_memory_region' of {place} is not supported: send and take tensors in the body")


def _list(members: dict[str, Any], name: str) -> list[Any]:
    value = members.get(name, _ABSENT)
    if type(value) is not list:
        reason = "there is no such member" if value is _ABSENT else f"expected a list, got {kind_of(value)}"
        raise BadInput(f"Unable to parse '{name}': {reason}")
    return value


def _parameters(members: dict[str, Any], place: str) -> dict[str, Any]:
    value = members.get("parameters")
    return {} if value is None else _members(value, f"'parameters' of {place}")


def _members(value: Any, place: str) -> dict[str, Any]:  # noqa: ANN401
    if type(value) is not dict:
        raise BadInput(f"Unable to parse {place}: expected an object, got {kind_of(value)}")
    return value
