"""Tables whose values have the types of the signature already.

MLflow casts a table column by column when it reads it, and checks it column by column when the model is asked: two
thirds of the time of a small request. A table whose every value is of its column's type comes out of both as it went
in, so it is made at once, as MLflow lays it out in memory, and the model is asked directly. All others take MLflow's
way.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Callable

_MAX_EXACT = 2**53
"""Integers up to this one are the same as floats."""

_TYPES = {
    # MLflow's type: numpy's type, Python's types, bounds of integers
    "double": ("float64", frozenset((float, int)), _MAX_EXACT),
    "long": ("int64", frozenset((int,)), 2**63 - 1),
    "integer": ("int32", frozenset((int,)), 2**31 - 1),
    "boolean": ("bool", frozenset((bool,)), 1),
}

_CUSTOM_CODE = "mlflow.pyfunc.model"
"""Loader of models in Python code, which may look at what MLflow sets around a call."""


class Exact:
    """A table that needs no check."""

    __slots__ = ("table",)

    def __init__(self, table: Any) -> None:  # noqa: ANN401 - a DataFrame
        """Take the table."""
        self.table = table


class ExactTables:
    """Makes such tables for one model, and asks the model with them."""

    def __init__(self, columns: list[tuple[str, str]], ask: Callable[[Any], Any]) -> None:
        """Take the columns, name and MLflow's type, and what calls the model."""
        self._names = [name for name, _ in columns]
        self._places = {name: place for place, name in enumerate(self._names)}
        self._types = [_TYPES[kind] for _, kind in columns]
        self._same = len({kind for _, kind in columns}) == 1
        self.ask = ask

    def fits(self, table: Any) -> bool:  # noqa: ANN401 - anything
        """Tell whether a DataFrame that others have made is such a table, by the types of its columns."""
        if type(table).__name__ != "DataFrame" or list(table.columns) != self._names:
            return False
        return [str(dtype) for dtype in table.dtypes] == [kind for kind, _, _ in self._types]

    def from_split(self, value: Any) -> Exact | None:  # noqa: ANN401 - anything that JSON holds
        """Make a table of `{"columns", "data"}`; None: MLflow has to look at it."""
        if type(value) is not dict or not value.keys() <= {"columns", "data", "index"}:
            return None
        names, rows, index = value.get("columns"), value.get("data"), value.get("index")
        if type(names) is not list or type(rows) is not list or not rows:
            return None
        if index is not None and index != list(range(len(rows))):
            return None
        if names != self._names:
            if len(names) != len(self._names) or not all(type(name) is str for name in names):
                return None
            order = [self._places.get(name, -1) for name in names]
            if sorted(order) != list(range(len(names))):
                return None
            back = sorted(range(len(names)), key=order.__getitem__)
            if any(type(row) is not list or len(row) != len(names) for row in rows):
                return None
            rows = [[row[place] for place in back] for row in rows]
        return self._make(rows)

    def from_records(self, value: Any) -> Exact | None:  # noqa: ANN401 - anything that JSON holds
        """Make a table of a list of objects; None: MLflow has to look at it."""
        if type(value) is not list or not value:
            return None
        names = self._places.keys()
        if any(type(row) is not dict or row.keys() != names for row in value):
            return None
        return self._make([[row[name] for name in names] for row in value])

    def _make(self, rows: list[Any]) -> Exact | None:
        width = len(self._names)
        if any(type(row) is not list or len(row) != width for row in rows):
            return None
        columns = list(zip(*rows))
        for column, (_, kinds, most) in zip(columns, self._types):
            found = set(map(type, column))
            if not found <= kinds:
                return None
            if int in found and any(type(cell) is int and not -most <= cell <= most for cell in column):
                return None
        # Here, for this module is looked into before MLflow, which brings them.
        import numpy as np
        import pandas as pd

        if self._same:
            # As pandas keeps columns of one type, so that sums come out the same to the last bit.
            return Exact(pd.DataFrame(np.array(columns, dtype=self._types[0][0]).T, columns=self._names, copy=False))
        cells = {name: np.array(column, dtype=kind[0]) for name, column, kind in zip(self._names, columns, self._types)}
        return Exact(pd.DataFrame(cells))


def exact_tables(pyfunc: Any, inputs: Any, params: Any) -> ExactTables | None:  # noqa: ANN401 - as MlflowModel
    """Look whether a model can be asked so; None: it cannot.

    Args:
        pyfunc: What `mlflow.pyfunc.load_model` returned.
        inputs: The signature's Schema, or None.
        params: The signature's ParamSchema, or None.
    """
    if inputs is None or params is not None or inputs.is_tensor_spec() or not inputs.has_input_names():
        return None
    metadata = pyfunc.metadata
    flavour = (getattr(metadata, "flavors", None) or {}).get("python_function", {})
    # What a model's own metadata asks for stands around the call.
    if flavour.get("loader_module") in (None, _CUSTOM_CODE) or getattr(metadata, "metadata", None):
        return None
    predict = getattr(pyfunc, "_predict_fn", None)
    if predict is None:
        return None
    taken = inspect.signature(predict).parameters.get("params")
    takes_params = taken is not None and taken.kind is not inspect.Parameter.VAR_KEYWORD
    columns = [(column.name, getattr(column.type, "name", "")) for column in inputs.inputs]
    if len({name for name, _ in columns}) != len(columns) or not all(kind in _TYPES for _, kind in columns):
        return None
    return ExactTables(columns, partial(predict, params=None) if takes_params else predict)
