"""Parameters of Python's own types (contract IS-10, IS-21)."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

from ._dates import parse_date
from ._describe import DATE_FORMAT, describe, to_example
from .abstract_parameter_type import AbstractParameterType


class StandardPythonParameterType(AbstractParameterType):
    """A parameter like a sample made of Python's own types; dict values and list elements may be parameter types."""

    def __init__(self, sample_input: Any) -> None:  # noqa: ANN401 - any sample
        """Keep the sample.

        Raises:
            ValueError: the sample is None.
        """
        if sample_input is None:
            raise ValueError("Sample input cannot be None")
        super().__init__(sample_input)
        self.sample_data_type_map: dict[Any, AbstractParameterType] = {}
        self.sample_data_type_list: list[AbstractParameterType] = []
        if isinstance(sample_input, dict):
            pairs = sample_input.items()
            self.sample_data_type_map = {k: v for k, v in pairs if isinstance(v, AbstractParameterType)}
        elif isinstance(sample_input, (list, tuple)):
            self.sample_data_type_list = [item for item in sample_input if isinstance(item, AbstractParameterType)]

    def deserialize_input(self, input_data: Any) -> Any:  # noqa: ANN401
        """Convert a value, without looking into it.

        Raises:
            ValueError: it is of another type than the sample. What the text of bytes, dates and times may raise besides
                depends on what is wrong with it.
        """
        expected = self.sample_data_type
        value = input_data
        if expected in (bytes, bytearray):
            value = base64.b64decode(input_data.encode("utf-8"))
        elif expected is datetime.date:
            # There is no date.strptime before Python 3.14: such a parameter never worked there (WEAK-26).
            value = expected.strptime(input_data, DATE_FORMAT)
        elif expected is datetime.datetime:
            value = parse_date(input_data)
        elif expected is datetime.time:
            value = parse_date(input_data).timetz()
        elif expected is float and type(input_data) is int:
            return input_data
        if not isinstance(value, expected):
            raise ValueError(f"Invalid input data type to parse. Expected: {expected} but got {type(value)}")
        return value

    def input_to_swagger(self) -> dict[str, Any]:
        """Describe the sample.

        Raises:
            TypeError: the sample holds something that JSON has no form for.
        """
        schema = {**describe(self.sample_input), "example": to_example(self.sample_input)}
        try:
            json.dumps(schema)
        except TypeError as error:
            raise TypeError(
                "Invalid python data sample provided: ensure that the data is fully JSON serializable to be able to "
                f"generate swagger schema from it. Actual error: {error}"
            ) from error
        return schema
