import datetime

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("number", StandardPythonParameterType(1))
@input_schema("ratio", StandardPythonParameterType(0.5))
@input_schema("text", StandardPythonParameterType("hello"))
@input_schema("switch", StandardPythonParameterType(True))
@input_schema("items", StandardPythonParameterType([1, 2]))
@input_schema("pair", StandardPythonParameterType({"a": 1, "b": StandardPythonParameterType([{"c": "x"}])}))
@input_schema("when", StandardPythonParameterType(datetime.datetime(2020, 1, 2, 3, 4, 5)))
@input_schema("at", StandardPythonParameterType(datetime.time(3, 4, 5)))
@input_schema("blob", StandardPythonParameterType(b"abc"))
@output_schema(StandardPythonParameterType({"seen": ["number"], "types": {"number": "int"}}))
def run(
    number=0, ratio=0.0, text="", switch=False, items=[], pair={}, when=datetime.datetime.min, at=datetime.time.min, blob=b""
):
    given = {name: value for name, value in locals().items() if value not in (0, "", [], {}, b"")}
    return {
        "values": {name: value if name in ("number", "ratio", "text", "items", "pair") else str(value) for name, value in given.items()},
        "types": {name: type(value).__name__ for name, value in given.items()},
    }
