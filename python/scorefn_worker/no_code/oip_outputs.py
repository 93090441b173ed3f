"""Tensors of what predict() of an MLflow model returned (OIP-20)."""

from __future__ import annotations

import datetime
import sys
from typing import Any

from .oip_slots import Slot
from .oip_tensors import BYTES, DATATYPES, Tensor

UNNAMED = "output-0"
"""What an output is called that has no name."""


class UnfitResult(TypeError):
    """predict() returned what no tensor can hold."""


def tensors_of(result: Any, slots: list[Slot]) -> list[Tensor]:  # noqa: ANN401 - whatever predict() returns
    """Make the outputs of an answer: one for a DataFrame's columns each, one for each member of a dict, else one.

    Args:
        result: What predict() returned.
        slots: What the model declares; empty: nothing.

    Raises:
        UnfitResult: no tensor can hold it.
    """
    result = _without_wrapping(result)
    if isinstance(result, dict):
        if not result:
            raise UnfitResult("predict() returned an empty dict, which has no outputs")
        return [_tensor(str(name), value) for name, value in result.items()]
    if _is_pandas(result, "DataFrame"):
        names = _column_names([str(name) for name in result.columns], slots)
        return [_column(name, result.iloc[:, index]) for index, name in enumerate(names)]
    if _is_pandas(result, "Series"):
        name = str(result.name) if result.name is not None else UNNAMED
        return [_column(slots[0].name if len(slots) == 1 else name, result)]
    if isinstance(result, (list, tuple)) and result and all(isinstance(entry, dict) for entry in result):
        return _records(result)
    array = _array(result, UNNAMED)
    if len(slots) > 1 and array.ndim == 2 and array.shape[1] == len(slots) and slots[0].is_column:
        columns = zip(slots, range(len(slots)))
        return [_named(slot.name, array[:, index : index + 1]) for slot, index in columns]
    name = slots[0].name if len(slots) == 1 else UNNAMED
    if len(slots) == 1 and slots[0].is_column and array.ndim == 1 and slots[0].shape == [-1, 1]:
        array = array.reshape(-1, 1)
    return [_named(name, array)]


def _without_wrapping(result: Any) -> Any:  # noqa: ANN401
    if result is None:
        raise UnfitResult("predict() returned None, which no tensor can hold")
    if hasattr(result, "toarray") and type(result).__module__.startswith("scipy."):
        return result.toarray()  # sparse
    return result


def _is_pandas(value: Any, kind: str) -> bool:  # noqa: ANN401
    # Never imported for the sake of a look: without pandas there is no such object.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, getattr(pandas, kind))


def _column_names(names: list[str], slots: list[Slot]) -> list[str]:
    """Take the names the signature has where the columns have none but their numbers."""
    if len(slots) == len(names) and names == [str(index) for index in range(len(names))]:
        return [slot.name for slot in slots]
    return names


def _column(name: str, series: Any) -> Tensor:  # noqa: ANN401
    tensor = _tensor(name, series)
    # As inputs of columns are declared.
    return tensor._replace(array=tensor.array.reshape(-1, 1)) if tensor.array.ndim == 1 else tensor


def _records(rows: Any) -> list[Tensor]:  # noqa: ANN401
    names = list(rows[0])
    if any(list(row) != names for row in rows):
        raise UnfitResult("predict() returned a list of dicts with different keys, which no tensors can hold")
    return [_column(str(name), [row[name] for row in rows]) for name in names]


def _tensor(name: str, value: Any) -> Tensor:  # noqa: ANN401
    return _named(name, _array(value, name))


def _array(value: Any, name: str) -> Any:  # noqa: ANN401
    """Make an array of one element at least of a scalar, for Triton knows no tensor without dimensions."""
    import numpy

    if _is_pandas(value, "Series"):
        value = _of_series(value)
    elif _is_pandas(value, "DataFrame"):
        value = value.to_numpy()
    elif isinstance(value, (bytes, bytearray, dict, set, frozenset)):
        array = numpy.empty(1, dtype=object)  # numpy would cut zeros off bytes
        array[0] = bytes(value) if isinstance(value, bytearray) else value
        return array
    elif isinstance(value, (list, tuple)) and any(isinstance(entry, (bytes, bytearray)) for entry in value):
        array = numpy.empty(len(value), dtype=object)
        array[:] = value
        return array
    try:
        array = numpy.asarray(value)
        if array.dtype.kind in "US" and isinstance(value, (list, tuple)):
            array = numpy.array(value, dtype=object)  # or numbers between texts would become texts
    except (ValueError, TypeError, RuntimeError) as error:
        raise UnfitResult(f"predict() returned for output '{name}' what is no array: {error}") from None
    return array.reshape(1) if array.ndim == 0 else array


def _of_series(series: Any) -> Any:  # noqa: ANN401
    """Take pandas' own types for numpy's: those that know missing values would come as objects."""
    dtype = series.dtype
    if str(dtype) == "category":
        return _of_series(series.astype(dtype.categories.dtype))
    if hasattr(dtype, "numpy_dtype") and dtype.kind in "biuf":
        if not series.isna().any():
            return series.to_numpy(dtype=dtype.numpy_dtype)
        return series.to_numpy(dtype="float64", na_value=float("nan"))
    if getattr(dtype, "tz", None) is not None:
        return series.dt.tz_convert(None).to_numpy()
    return series.to_numpy()


def _named(name: str, array: Any) -> Tensor:  # noqa: ANN401
    """Find the datatype, and make texts of what is no number."""
    import numpy

    datatype = DATATYPES.get(array.dtype.name)
    if datatype is not None:
        return Tensor(name, datatype, array.astype(array.dtype.newbyteorder("="), copy=False))
    kind = array.dtype.kind
    if kind in "USO":
        values = array.astype(object).reshape(-1)
        if kind == "O" and values.size > 0:
            plain = _plain(values)
            if plain is not None:
                return _named(name, plain.reshape(array.shape))
    elif kind == "M":
        values = array.astype("datetime64[us]").astype(object).reshape(-1)
    else:
        raise UnfitResult(f"predict() returned {array.dtype} for output '{name}', which no tensor can hold")
    texts = numpy.empty(values.size, dtype=object)
    for index, value in enumerate(values):
        texts[index] = _text(value, name)
    return Tensor(name, BYTES, texts.reshape(array.shape))


def _plain(values: Any) -> Any:  # noqa: ANN401
    """Make numbers of objects that are numbers all the same; None: they are not, or None would become a number."""
    import numpy

    if not all(isinstance(value, (bool, int, float, numpy.number, numpy.bool_)) for value in values):
        return None
    array = numpy.array(values.tolist())
    # Numbers and booleans together would all become numbers, which they are not.
    are_flags = [isinstance(value, (bool, numpy.bool_)) for value in values]
    if all(are_flags) != any(are_flags) or array.dtype.kind not in "biuf":
        return None
    # Integers beyond 64 bits would become floats.
    is_exact = array.dtype.kind != "f" or any(isinstance(value, (float, numpy.floating)) for value in values)
    return array if is_exact else None


def _text(value: Any, name: str) -> str | bytes:  # noqa: ANN401
    if isinstance(value, (str, bytes)):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    raise UnfitResult(
        f"predict() returned a {type(value).__name__} among the values of output '{name}', which no tensor can hold"
    )
