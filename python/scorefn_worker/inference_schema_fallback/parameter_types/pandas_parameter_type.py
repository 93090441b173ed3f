"""Parameters that are pandas data frames (contract IS-12, IS-23). Needs pandas."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from warnings import warn

import pandas as pd

from ._describe import describe
from .abstract_parameter_type import AbstractParameterType

_ORIENTS = ("split", "records", "index", "columns", "values", "table")


class PandasParameterType(AbstractParameterType):
    """A parameter like a sample data frame: of its column types, and with as many columns."""

    def __init__(
        self,
        sample_input: Any,  # noqa: ANN401
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        """Keep the sample.

        Args:
            sample_input: The data frame.
            enforce_column_type: Cast each column of the sample's to its type there, others to object.
            enforce_shape: Refuse another number of columns.
            apply_column_names: Deprecated. Name the columns as in the sample, in their order.
            orient: pandas' name for the JSON form.

        Raises:
            Exception: the sample is not a data frame, or there is no such orient.
        """
        if not isinstance(sample_input, pd.DataFrame):
            raise Exception("Invalid sample input provided, must provide a sample Pandas Dataframe.")
        if orient not in _ORIENTS:
            raise Exception(
                "Invalid orient provided, must be one of ('split', 'records', 'index', 'columns', 'values', or 'table')"
            )
        if apply_column_names:
            text = "apply_column_names is a deprecated parameter and will be removed in a future update"
            warn(text, DeprecationWarning, stacklevel=2)
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self.apply_column_names = apply_column_names
        self.orient = orient

    def deserialize_input(self, input_data: Any) -> Any:  # noqa: ANN401
        """Make a data frame of a list or dict; a data frame is returned as it is.

        Raises:
            ValueError: another number of columns. Whatever pandas raises for what it cannot read or cast.
            Exception: neither list nor dict.
        """
        if isinstance(input_data, pd.DataFrame):
            return input_data
        if not isinstance(input_data, (list, dict)):
            raise Exception(f"Error, unable to convert input of type {type(input_data)} into Pandas Dataframe")
        # A table brings its column types along, and pandas takes no other word for them.
        guess: dict[str, Any] = {} if self.orient == "table" else {"dtype": False, "convert_dates": False}
        frame = pd.read_json(StringIO(json.dumps(input_data)), orient=self.orient, **guess)
        sample = self.sample_input
        if self.apply_column_names:
            frame.columns = sample.columns.copy()
        if self.enforce_column_type:
            frame = _cast(frame, sample)
        if self.enforce_shape and frame.shape[1] != sample.shape[1]:
            raise ValueError(
                f"Invalid input data frame: data frame has size {frame.shape[1]} on dimension #1, "
                f"while expected value is {sample.shape[1]}"
            )
        return frame

    def input_to_swagger(self) -> dict[str, Any]:
        """Describe the sample by what pandas writes for it."""
        orient = self.orient
        example = json.loads(self.sample_input.to_json(orient=orient, date_format="iso"))
        schema = describe(example)
        for column, kind in self.sample_input.dtypes.items():
            form = {"M": "date-time", "m": "timedelta"}.get(kind.kind)
            if form is not None:
                _mark(schema, orient, str(column), form)
        return {**schema, "example": example, "format": f"pandas.DataFrame:{orient}"}


def _cast(frame: Any, sample: Any) -> Any:  # noqa: ANN401 - data frames
    types = {}
    for column in frame.columns:
        types[column] = sample.dtypes[column] if column in sample.columns else object
        if getattr(types[column], "kind", None) == "m":
            frame[column] = pd.to_timedelta(frame[column])
    return frame.astype(types)


def _mark(schema: dict[str, Any], orient: str, column: str, form: str) -> None:
    """Say of what kind the texts of one column are; pandas' other forms do not tell the columns apart."""
    if orient == "table":
        schema, orient = schema["properties"]["data"], "records"
    if orient == "records":
        places = [schema["items"].get("properties", {}).get(column)]
    elif orient == "columns":
        places = list(schema["properties"].get(column, {}).get("properties", {}).values())
    elif orient == "index":
        places = [row["properties"].get(column) for row in schema["properties"].values()]
    else:
        return
    for place in places:
        if place is not None and place.get("type") == "string":
            place["format"] = form
