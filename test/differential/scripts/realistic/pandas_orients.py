import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema, output_schema

sample = pd.DataFrame({"name": ["a", "b"], "count": [1, 2], "share": [0.5, 1.5], "seen": [True, False]})


def of(orient):
    return PandasParameterType(sample, orient=orient)


def init():
    pass


@input_schema("split", of("split"), optional=True)
@input_schema("records", of("records"), optional=True)
@input_schema("index", of("index"), optional=True)
@input_schema("columns", of("columns"), optional=True)
@input_schema("values", of("values"), optional=True)
@input_schema("table", of("table"), optional=True)
@output_schema(PandasParameterType(sample))
def run(split=None, records=None, index=None, columns=None, values=None, table=None):
    frames = dict(split=split, records=records, index=index, columns=columns, values=values, table=table)
    return {
        orient: {"rows": frame.values.tolist(), "columns": [str(column) for column in frame.columns], "shape": frame.shape}
        for orient, frame in frames.items()
        if frame is not None
    }
