import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

record = np.dtype([("name", np.str_, 8), ("grades", np.float64, (2,)), ("age", np.int32)])
samples = {
    "int64": np.array([1, 2]),
    "uint8": np.array([[1], [2]], dtype=np.uint8),
    "float32": np.array([[[1.5]]], dtype=np.float32),
    "boolean": np.array([True, False]),
    "text": np.array(["a", "bc"]),
    "moment": np.array(["2020-01-02"], dtype="datetime64[s]"),
    "span": np.array([np.timedelta64(1, "D")]),
    "objects": np.array([1, "a"], dtype=object),
    "record": np.array([("Ann", [1.5, 2.5], 3)], dtype=record),
}


def decorate(function):
    for name, sample in samples.items():
        function = input_schema(name, NumpyParameterType(sample), optional=True)(function)
    loose = NumpyParameterType(np.array([[1, 2]]), enforce_column_type=False, enforce_shape=False)
    return input_schema("loose", loose, optional=True)(function)


def init():
    pass


@decorate
@output_schema(NumpyParameterType(np.array([b"abc"])))
def run(
    int64=None, uint8=None, float32=None, boolean=None, text=None, moment=None, span=None, objects=None, record=None, loose=None
):
    given = {name: array for name, array in locals().items() if array is not None}
    return {name: [str(array.dtype), array.shape, str(array.tolist())] for name, array in given.items()}
