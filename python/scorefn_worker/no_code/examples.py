"""Examples of a model's input for the swagger documents: the one it was saved with (MLF-25), else one of zeros."""

from __future__ import annotations

import json
import os
from typing import Any

from .model import MlflowModel
from .sample import TABLE, TENSORS, kind_of
from .tables import INPUTS, INSTANCES, PARAMS, RECORDS, SPLIT

_SERVING = "serving_input_example.json"
"""A body for /invocations."""

_PLAIN = "input_example.json"
"""What versions before 2.13 write alone: a table, or an array."""

MAX_EXAMPLE_BYTES = 65_536
"""Of a file: an example of thousands of rows helps nobody, and each swagger document would carry it."""

MAX_ZEROS = 1_000
"""Of a tensor without an example: that of an image would be megabytes."""

_TEXTS = {"string": "", "binary": "", "datetime": "1970-01-01T00:00:00"}


def read_example(model: MlflowModel) -> tuple[Any, dict[str, Any] | None]:
    """Find `input_data` and `params` in the files beside the model; None for what is not there, or does not fit."""
    body = _read(os.path.join(model.path, _SERVING))
    if not isinstance(body, dict):
        body = _wrapped(_read(os.path.join(model.path, _PLAIN)))
    params = body.get(PARAMS)
    return _input_data(body, model), params if isinstance(params, dict) else None


def zeros(model: MlflowModel) -> Any:  # noqa: ANN401
    """Make `input_data` of nothing but zeros and empty texts; `{}` where nothing is known of it."""
    specs = [] if model.inputs is None else model.inputs.inputs
    if model.takes_list:
        return [_zero(specs[0].type)] if specs else []
    if not specs:
        return {}
    kind = kind_of(model)
    if kind == TABLE:
        names = [index if spec.name is None else str(spec.name) for index, spec in enumerate(specs)]
        return {"columns": names, "index": [0], "data": [[_zero(spec.type) for spec in specs]]}
    if kind == TENSORS:
        return {str(spec.name): zeros_of(spec) for spec in specs}
    return zeros_of(specs[0])


def zeros_of(spec: Any) -> Any:  # noqa: ANN401 - MLflow's TensorSpec
    """Make a tensor of zeros, with 1 for each size that is open; an empty list for a big one."""
    import numpy as np

    shape = [max(int(size), 1) for size in spec.shape]
    if int(np.prod(shape)) > MAX_ZEROS:
        return []
    if spec.type.kind in "OSUM":
        return np.full(shape, "").tolist()
    return np.zeros(shape, dtype=spec.type).tolist()


def _zero(kind: Any) -> Any:  # noqa: ANN401 - MLflow's type of a column
    name = type(kind).__name__
    if name == "Array":
        return [_zero(kind.dtype)]
    if name == "Object":
        return {item.name: _zero(item.dtype) for item in kind.properties}
    if name == "Map":
        return {}
    if getattr(kind, "name", "") in _TEXTS:
        return _TEXTS[kind.name]
    number = getattr(kind, "name", "")
    return False if number == "boolean" else 0 if number in ("integer", "long") else 0.0


def _read(path: str) -> Any:  # noqa: ANN401
    try:
        if os.path.getsize(path) > MAX_EXAMPLE_BYTES:
            return None
        with open(path, encoding="utf-8") as file:
            # Swagger documents are JSON, which has no NaN.
            return json.load(file, parse_constant=lambda _name: None)
    except (OSError, ValueError, RecursionError):
        return None


def _wrapped(plain: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a body for /invocations of what `input_example.json` holds."""
    if isinstance(plain, dict):
        if INPUTS in plain or INSTANCES in plain:
            return plain
        return {SPLIT: plain} if "data" in plain else {INPUTS: plain}
    return {} if plain is None else {INPUTS: plain}


def _input_data(body: dict[str, Any], model: MlflowModel) -> Any:  # noqa: ANN401
    """Write an example as /score takes it."""
    if model.takes_list or kind_of(model) != TABLE:
        found = body.get(INPUTS, body.get(INSTANCES))
        return _with_index(body.get(SPLIT)) if found is None and model.inputs is None else found
    if SPLIT in body:
        return _with_index(body[SPLIT])
    rows = body.get(RECORDS, body.get(INPUTS))
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        columns = list(rows[0])
        data = [[row.get(column) for column in columns] for row in rows]
        return {"columns": columns, "index": list(range(len(rows))), "data": data}
    return None


def _with_index(split: Any) -> Any:  # noqa: ANN401
    """Add the index that Azure's script wants (MLF-22)."""
    if not isinstance(split, dict) or not isinstance(split.get("data"), list) or "columns" not in split:
        return None
    return {
        "columns": split["columns"],
        "index": split.get("index", list(range(len(split["data"])))),
        "data": split["data"],
    }
