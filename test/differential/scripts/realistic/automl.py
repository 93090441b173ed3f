# The scoring file that automated machine learning writes: a data frame inside a nested schema, and global parameters.
import json
import logging

import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

logger = logging.getLogger("azureml.automl.core.scoring_script_v2")

data_sample = PandasParameterType(
    pd.DataFrame(
        {
            "age": pd.Series([42], dtype="int64"),
            "job": pd.Series(["admin."], dtype="object"),
            "balance": pd.Series([1.5], dtype="float64"),
            "since": pd.Series(["2020-01-01T00:00:00"], dtype="datetime64[ns]"),
        }
    )
)
input_sample = StandardPythonParameterType({"data": data_sample})
method_sample = StandardPythonParameterType("predict")
sample_global_params = StandardPythonParameterType({"method": method_sample})
result_sample = NumpyParameterType(np.array(["no"]))
output_sample = StandardPythonParameterType({"Results": result_sample})


def init():
    logger.info("Loading model from path.")


@input_schema("GlobalParameters", sample_global_params, convert_to_provided_type=False)
@input_schema("Inputs", input_sample)
@output_schema(output_sample)
def run(Inputs, GlobalParameters={"method": "predict"}):
    data = Inputs["data"]
    method = GlobalParameters["method"]
    if method == "predict":
        result = np.where((data["age"] > 40) & (data["since"].dt.year < 2021), "yes", "no")
    elif method == "predict_proba":
        result = data["balance"].to_numpy() / 10
    else:
        raise Exception(f"Invalid predict method argument received. GlobalParameters: {json.dumps(GlobalParameters)}")
    return {"Results": result.tolist()}
