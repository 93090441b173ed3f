"""What predict() of an MLflow model takes, from the tensors of a request (OIP-20)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ..failures import BadInput
from .oip_shape import shown, text_of
from .oip_slots import ANY, Slot
from .oip_tensors import BYTES, Tensor

MAX_COLUMN_RANK = 2
"""Of a column: [n] and [n,1] are the same to it."""


def arrange(tensors: list[Tensor], slots: list[Slot], model: str, *, as_list: bool) -> Any:  # noqa: ANN401
    """Make the data for predict().

    Args:
        tensors: Of the request.
        slots: What the model declares; empty: nothing.
        model: Its name, for messages.
        as_list: The model declares by type hints what it takes, and that is a list.

    Raises:
        BadInput: they do not fit.
    """
    if not slots:
        return _undeclared(tensors, model)
    found = _match(tensors, slots, model)
    if not slots[0].is_column:
        arrays = {name: _tensor(slot, tensor, model) for name, (slot, tensor) in found.items()}
        return arrays[slots[0].name] if slots[0].spec.name is None else arrays
    columns = {name: _column(slot, tensor, model) for name, (slot, tensor) in found.items()}
    _check_rows({name: len(values) for name, values in columns.items()}, model)
    if as_list and len(columns) == 1:
        (values,) = columns.values()
        return values.tolist() if hasattr(values, "tolist") else values
    return _frame(columns if slots[0].spec.name is not None else dict(enumerate(columns.values())))


def _undeclared(tensors: list[Tensor], model: str) -> Any:  # noqa: ANN401
    """One input is an array; several are columns where they can be, which scikit-learn takes, else arrays by name."""
    if not tensors:
        raise BadInput(f"expected at least 1 input but got 0 inputs for model '{model}'")
    arrays = {tensor.name: _texts(tensor, model) if tensor.datatype == BYTES else tensor.array for tensor in tensors}
    if len(arrays) == 1:
        return arrays[tensors[0].name]
    if all(_is_column(array.shape) for array in arrays.values()) and len(set(map(len, arrays.values()))) == 1:
        return _frame({name: array.reshape(-1) for name, array in arrays.items()})
    return arrays


def _match(tensors: list[Tensor], slots: list[Slot], model: str) -> dict[str, tuple[Slot, Tensor]]:
    """Find the tensor of each slot, in the order of the slots."""
    by_name = {tensor.name: tensor for tensor in tensors}
    # A tensor that the model has no name for is the one whatever it is called.
    if len(slots) == len(tensors) == 1 and slots[0].spec.name is None:
        return {slots[0].name: (slots[0], tensors[0])}
    known = [slot.name for slot in slots]
    missing = [slot.name for slot in slots if slot.required and slot.name not in by_name]
    unknown = [name for name in by_name if name not in known]
    if missing or unknown:
        raise _unknown(model, known, list(by_name), missing, unknown)
    return {slot.name: (slot, by_name[slot.name]) for slot in slots if slot.name in by_name}


def _unknown(model: str, known: list[str], got: list[str], missing: list[str], unknown: list[str]) -> BadInput:
    if len(got) == len(known):
        expected = f"Expected input(s) {_names(known)}."
        return BadInput(f"unexpected inference input {shown(unknown[0])} for model '{model}'. {expected}")
    counts = f"expected {len(known)} inputs but got {len(got)} inputs for model '{model}'. Got input(s) {_names(got)}"
    if not missing:
        return BadInput(f"{counts}, of which {_names(unknown)} are unknown.")
    lack = f"but missing required input(s) {_names(missing)}. Please provide all required input(s)."
    return BadInput(f"{counts}, {lack}")


def _names(names: Any) -> str:  # noqa: ANN401 - any iterable of texts
    return f"[{','.join(map(shown, names))}]"


def _tensor(slot: Slot, tensor: Tensor, model: str) -> Any:  # noqa: ANN401
    import numpy

    array = tensor.array
    if slot.datatype == BYTES or tensor.datatype == BYTES:
        if slot.datatype != tensor.datatype:
            raise _wrong_type(slot, tensor, model)
        array = _texts(tensor, model)
        try:
            array = array.astype(slot.spec.type)
        except (ValueError, TypeError):
            raise BadInput(
                f"inference input {shown(tensor.name)} has texts that are not {slot.spec.type} for model '{model}'"
            ) from None
    elif slot.datatype != tensor.datatype:
        if not numpy.can_cast(array.dtype, slot.spec.type, "safe"):
            raise _wrong_type(slot, tensor, model)
        array = array.astype(slot.spec.type)
    _check_shape(slot, array.shape, tensor.name, model)
    return array


def _column(slot: Slot, tensor: Tensor, model: str) -> Any:  # noqa: ANN401
    array = tensor.array
    is_array = slot.kind != "json" and slot.shape != [ANY, 1]
    if is_array:
        _check_shape(slot, array.shape, tensor.name, model)
    elif not _is_column(array.shape):
        _check_shape(slot, array.shape, tensor.name, model)
        raise AssertionError(array.shape)
    if (slot.datatype == BYTES) != (tensor.datatype == BYTES):
        raise _wrong_type(slot, tensor, model)
    if slot.datatype != BYTES:
        values = _cast(slot, tensor, model)
    elif slot.kind == "binary":
        values = _each(tensor, _binary, "base64", model)
    elif slot.kind == "json":
        values = _each(tensor, json.loads, "JSON", model)
    elif slot.kind == "datetime":
        values = _dates(tensor, model)
    else:
        values = _texts(tensor, model)
    return list(values) if is_array else values.reshape(-1)


def _cast(slot: Slot, tensor: Tensor, model: str) -> Any:  # noqa: ANN401
    """Make numbers of the type of a column, which takes all that it can hold."""
    import numpy

    array = tensor.array
    kind = slot.spec.type
    while not hasattr(kind, "to_numpy"):
        kind = kind.dtype
    dtype = numpy.dtype(kind.to_numpy())
    if array.dtype == dtype:
        return array
    if dtype.kind == "f":
        with numpy.errstate(over="ignore"):
            return array.astype(dtype)
    with numpy.errstate(invalid="ignore"):
        cast = array.astype(dtype)
    # Back again: a fraction, or what is out of range, is then another number. So is a sign, which wraps both ways.
    if numpy.array_equal(cast.astype(array.dtype), array) and numpy.array_equal(cast < 0, array < 0):
        return cast
    raise BadInput(
        f"inference input {shown(tensor.name)} has values that do not fit {slot.datatype}, as model '{model}' expects"
    )


def _texts(tensor: Tensor, model: str) -> Any:  # noqa: ANN401
    """Make str of all elements."""
    made = tensor.array.copy()
    flat = made.reshape(-1)
    for index, text in enumerate(flat):
        if not isinstance(text, str):
            try:
                flat[index] = text.decode()
            except UnicodeDecodeError as error:
                where = f"for inference input {shown(tensor.name)} for model '{model}'"
                raise BadInput(f"string element {index} {where} is not UTF-8: {error.reason}") from None
    return made


def _binary(text: str | bytes) -> bytes:
    """Bytes come as they are; JSON has none, so there they are base64, as MLflow's own protocol has them."""
    return text if isinstance(text, bytes) else base64.b64decode(text, validate=True)


def _each(tensor: Tensor, read: Any, what: str, model: str) -> Any:  # noqa: ANN401
    try:
        return _map(tensor.array, read)
    except (ValueError, RecursionError, binascii.Error):
        raise BadInput(
            f"inference input {shown(tensor.name)} has texts that are not {what}, as model '{model}' expects"
        ) from None


def _dates(tensor: Tensor, model: str) -> Any:  # noqa: ANN401
    import pandas

    texts = _texts(tensor, model)
    try:
        return (
            pandas.to_datetime(texts.reshape(-1), format="ISO8601", utc=True)
            .tz_localize(None)
            .to_numpy("datetime64[ns]")
        )
    except (ValueError, TypeError, OverflowError):
        raise BadInput(
            f"inference input {shown(tensor.name)} has texts that are no ISO 8601 dates, as model '{model}' expects"
        ) from None


def _map(array: Any, make: Any) -> Any:  # noqa: ANN401
    import numpy

    made = numpy.empty(array.size, dtype=object)
    for index, value in enumerate(array.reshape(-1).tolist()):
        made[index] = make(value)
    return made.reshape(array.shape)


def _frame(columns: dict[Any, Any]) -> Any:  # noqa: ANN401
    import pandas

    return pandas.DataFrame(columns)


def _is_column(shape: tuple[int, ...]) -> bool:
    return len(shape) == 1 or (len(shape) == MAX_COLUMN_RANK and shape[1] == 1)


def _check_shape(slot: Slot, shape: tuple[int, ...], name: str, model: str) -> None:
    if len(shape) != len(slot.shape) or any(size not in (ANY, got) for size, got in zip(slot.shape, shape)):
        raise BadInput(
            f"unexpected shape for input {shown(name)} for model '{model}'. "
            f"Expected {text_of(slot.shape)}, got {text_of(shape)}."
        )


def _check_rows(rows: dict[str, int], model: str) -> None:
    first = next(iter(rows.values()), 0)
    for name, count in rows.items():
        if count != first:
            raise BadInput(
                f"input {shown(name)} batch size does not match other inputs for '{model}': got {count} after {first}"
            )


def _wrong_type(slot: Slot, tensor: Tensor, model: str) -> BadInput:
    name = shown(tensor.name)
    return BadInput(
        f"inference input {name} data-type is '{tensor.datatype}', but model '{model}' expects '{slot.datatype}'"
    )
