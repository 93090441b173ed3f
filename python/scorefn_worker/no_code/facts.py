"""What LOADED says of an MLflow model, in the words of the Open Inference Protocol (OIP-20)."""

from __future__ import annotations

from typing import Any

from .model import MlflowModel

PLATFORM = "mlflow"
VERSION = "1"

_ANY = -1
_TEXT = "BYTES"

_OF_COLUMNS = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
}
"""By the name of a column's type; every other is text."""

_OF_TENSORS = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"}
"""By numpy's name; integers have theirs in capitals, every other is text."""


def model_facts(model: MlflowModel) -> dict[str, Any]:
    """Make a member of `models`."""
    return {
        "name": model.name,
        "platform": PLATFORM,
        "engineVersion": _mlflow_version(),
        "versions": [{"version": VERSION}],
        "inputs": _tensors(model.inputs, "input"),
        "outputs": _tensors(model.outputs, "output"),
    }


def _mlflow_version() -> str:
    # Here, for this module is looked into before MLflow is loaded.
    import mlflow

    return str(mlflow.__version__)


def _tensors(schema: Any, word: str) -> list[dict[str, Any]]:  # noqa: ANN401 - MLflow's Schema, or None
    specs = [] if schema is None else schema.inputs
    return [_tensor(spec, f"{word}-{index}") for index, spec in enumerate(specs)]


def _tensor(spec: Any, fallback: str) -> dict[str, Any]:  # noqa: ANN401 - ColSpec or TensorSpec
    name = fallback if spec.name is None else str(spec.name)
    shape = getattr(spec, "shape", None)
    if shape is not None:
        return {"name": name, "datatype": _of_numpy(spec.type), "shape": [int(size) for size in shape]}
    # Of arrays in a column each row has as many as it likes.
    depth = 1
    kind = spec.type
    while type(kind).__name__ == "Array":
        kind = kind.dtype
        depth += 1
    datatype = _OF_COLUMNS.get(getattr(kind, "name", ""), _TEXT)
    return {"name": name, "datatype": datatype, "shape": [_ANY, 1] if depth == 1 else [_ANY] * depth}


def _of_numpy(dtype: Any) -> str:  # noqa: ANN401
    return str(dtype.name).upper() if dtype.kind in "iu" else _OF_TENSORS.get(dtype.name, _TEXT)
