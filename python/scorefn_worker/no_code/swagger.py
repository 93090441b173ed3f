"""Schemas of a model for the swagger documents, as inference-schema would make them of a sample (table H of MLF-21)."""

from __future__ import annotations

import json
from typing import Any

from ..inference_schema_fallback.parameter_types._describe import describe
from .examples import read_example, zeros, zeros_of
from .model import MlflowModel
from .sample import FREE, TABLE, kind_of
from .score import INPUT_DATA
from .tables import PARAMS

_VERSIONS = ["2", "3", "3.1"]

Schema = dict[str, Any]

_OF_COLUMNS: dict[str, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "format": "byte"},
    "datetime": {"type": "string", "format": "date-time"},
}
"""By the name of a column's type."""

_OF_NUMPY: dict[str, Schema] = {
    "bool": {"type": "boolean"},
    "float16": {"type": "number", "format": "float"},
    "float32": {"type": "number", "format": "float"},
    "float64": {"type": "number", "format": "double"},
}
"""By numpy's name; integers have theirs as format."""


def schemas_of(model: MlflowModel) -> dict[str, Any]:
    """Make `schemas` of LOADED."""
    return {"input": json.dumps(_input(model)), "output": json.dumps(_output(model)), "versions": _VERSIONS}


def _input(model: MlflowModel) -> Schema:
    data, params = read_example(model)
    if data is None:
        data = zeros(model)
    defaults = {} if model.params is None else {param.name: _plain(param.default) for param in model.params.params}
    # Azure's script has them required, though it does not require them.
    schema = describe(defaults) if defaults else {"type": "object"}
    return {
        "type": "object",
        "properties": {INPUT_DATA: _input_data(model, data), PARAMS: schema},
        "example": {INPUT_DATA: data, PARAMS: {**defaults, **(params or {})}},
    }


def _input_data(model: MlflowModel, example: Any) -> Schema:  # noqa: ANN401
    kind = kind_of(model)
    if kind == TABLE and isinstance(example, dict):
        return {**_of_split(example), "format": "pandas.DataFrame:split"}
    if model.takes_list or kind in (FREE, TABLE):
        return describe(example) if example else {"type": "object"}
    specs = model.inputs.inputs
    if specs[0].name is None:
        return _of_tensor(specs[0])
    return _object({str(spec.name): _of_tensor(spec) for spec in specs}, [str(spec.name) for spec in specs])


def _of_split(example: dict[str, Any]) -> Schema:
    schema = describe(example)
    rows = example.get("data")
    if rows and isinstance(rows[0], list):
        cells = [describe(cell) for cell in rows[0]]
        # One schema is for all cells of all rows: where their types differ it can say nothing.
        if any(cell != cells[0] for cell in cells):
            schema["properties"]["data"]["items"]["items"] = {}
    return schema


def _output(model: MlflowModel) -> Schema:
    specs = [] if model.outputs is None else model.outputs.inputs
    if not specs:
        return {"type": "object", "example": {}}
    if not model.outputs.is_tensor_spec():
        return _of_records(specs)
    if specs[0].name is None:
        return {**_of_tensor(specs[0]), "example": zeros_of(specs[0])}
    properties = {str(spec.name): _of_tensor(spec) for spec in specs}
    return {**_object(properties, list(properties)), "example": {str(spec.name): zeros_of(spec) for spec in specs}}


def _of_records(specs: list[Any]) -> Schema:
    if specs[0].name is None:
        return {"type": "array", "items": of_column(specs[0].type)}
    return {"type": "array", "items": _object({str(spec.name): of_column(spec.type) for spec in specs}, [])}


def of_column(kind: Any) -> Schema:  # noqa: ANN401 - MLflow's type of a column
    """Make the schema of a value in a column."""
    name = type(kind).__name__
    if name == "Array":
        return {"type": "array", "items": of_column(kind.dtype)}
    if name == "Object":
        required = [item.name for item in kind.properties if item.required]
        return _object({item.name: of_column(item.dtype) for item in kind.properties}, required)
    if name == "Map":
        return {"type": "object", "additionalProperties": of_column(kind.value_type)}
    return dict(_OF_COLUMNS.get(getattr(kind, "name", ""), {}))


def _of_tensor(spec: Any) -> Schema:  # noqa: ANN401 - MLflow's TensorSpec
    dtype = spec.type
    items: Schema = (
        {"type": "integer", "format": dtype.name} if dtype.kind in "iu" else dict(_OF_NUMPY.get(dtype.name, {}))
    )
    if dtype.kind in "USM":
        items = {"type": "string"}
    for _ in spec.shape:
        items = {"type": "array", "items": items}
    return {**items, "format": "numpy.ndarray"} if spec.shape else items


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", **({"required": required} if required else {}), "properties": properties}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a parameter's default, which may be numpy's
    return value.tolist() if hasattr(value, "tolist") else value
