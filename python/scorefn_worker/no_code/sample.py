"""Of what form a model's input is on /score, as the sample of Azure's script would have it (MLF-21)."""

from __future__ import annotations

from .model import MlflowModel

TABLE, TENSOR, TENSORS, FREE = "table", "tensor", "tensors", "free"

_TABLE_EXAMPLES = ("dataframe",)
"""Types of input examples, as MLmodel has them, that are tables."""


def kind_of(model: MlflowModel) -> str:
    """Tell the form: a table, one array, several by name, or anything."""
    schema = model.inputs
    if schema is None or not schema.inputs:
        example = model.example or {}
        return TABLE if example.get("type") in _TABLE_EXAMPLES else FREE
    if not schema.is_tensor_spec():
        return TABLE
    return TENSORS if schema.has_input_names() else TENSOR
