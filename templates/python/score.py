"""Predicts the progress of diabetes with a linear model. Needs nothing but Python."""

import json
import math
import os
from pathlib import Path

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

# Azure ML says where the model is, and so does --model_dir; else it is beside this file.
MODEL_DIR = Path(os.environ.get("AZUREML_MODEL_DIR") or Path(__file__).parent / "model")
PATIENT = [0.0381, 0.0507, 0.0617, 0.0219, -0.0442, -0.0348, -0.0434, -0.0026, 0.0199, -0.0176]


def init():
    """Loads the model, once in each worker."""
    global features, weights, intercept
    model = json.loads((MODEL_DIR / "diabetes.json").read_text(encoding="utf-8"))
    features, weights = zip(*model["coefficients"].items())
    intercept = model["intercept"]


@input_schema("data", StandardPythonParameterType([PATIENT]))
@output_schema(StandardPythonParameterType([206.11]))
def run(data):
    """Answers one request: gets the member "data" of its JSON body, returns what becomes JSON."""
    return [predict(row) for row in data]


def predict(row):
    if len(row) != len(features):
        raise ValueError(f"a row has {len(row)} numbers in place of {len(features)}: {', '.join(features)}")
    return intercept + math.fsum(weight * value for weight, value in zip(weights, row))
