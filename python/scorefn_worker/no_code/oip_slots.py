"""Inputs and outputs of a model as the Open Inference Protocol shows them, from an MLflow signature (OIP-20)."""

from __future__ import annotations

from typing import Any, NamedTuple

from .oip_tensors import BYTES, DATATYPES

_COLUMNS = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": BYTES,
    "binary": BYTES,
    "datetime": BYTES,
}
"""Types of columns, by MLflow's names."""

ANY = -1
"""A dimension that may be of any size."""


class Slot(NamedTuple):
    """One input or output."""

    name: str
    datatype: str
    shape: list[int]
    spec: Any
    """MLflow's ColSpec or TensorSpec."""
    is_column: bool
    kind: str
    """Of a column: MLflow's name of its type; "json": tensors have none such, so its values come as JSON texts."""
    required: bool

    def facts(self) -> dict[str, Any]:
        """Make what metadata says of it."""
        return {"name": self.name, "datatype": self.datatype, "shape": self.shape}


def slots_of(schema: Any, prefix: str) -> list[Slot]:  # noqa: ANN401 - mlflow.types.Schema
    """List what a schema declares; nothing where there is none.

    Args:
        schema: Of inputs or outputs, or None.
        prefix: What names begin with that the schema lacks: "input" or "output".
    """
    if schema is None:
        return []
    make = _tensor if schema.is_tensor_spec() else _column
    return [make(spec, f"{prefix}-{index}") for index, spec in enumerate(schema.inputs)]


def _tensor(spec: Any, name: str) -> Slot:  # noqa: ANN401
    # Texts, dates and objects.
    datatype = DATATYPES.get(spec.type.name, BYTES)
    return Slot(_name(spec, name), datatype, [int(size) for size in spec.shape], spec, False, "", _is_required(spec))


def _column(spec: Any, name: str) -> Slot:  # noqa: ANN401
    kind = spec.type
    shape = [ANY]
    while type(kind).__name__ == "Array":
        kind = kind.dtype
        shape.append(ANY)
    # Of an enumeration, where it is no object or map.
    word = getattr(kind, "name", "json")
    if word not in _COLUMNS:
        return Slot(_name(spec, name), BYTES, [ANY, 1], spec, True, "json", _is_required(spec))
    shape = [ANY, 1] if len(shape) == 1 else shape
    return Slot(_name(spec, name), _COLUMNS[word], shape, spec, True, word, _is_required(spec))


def _name(spec: Any, otherwise: str) -> str:  # noqa: ANN401
    return otherwise if spec.name is None else str(spec.name)


def _is_required(spec: Any) -> bool:  # noqa: ANN401
    # Called "optional" before MLflow 2.10, the other way round.
    return bool(getattr(spec, "required", not getattr(spec, "optional", False)))
