"""Predicts the progress of diabetes with a scikit-learn model."""

import os
from pathlib import Path

import joblib
import numpy
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

# Azure ML says where the model is, and so does --model_dir; else it is beside this file.
MODEL_DIR = Path(os.environ.get("AZUREML_MODEL_DIR") or Path(__file__).parent / "model")
PATIENT = [0.0381, 0.0507, 0.0617, 0.0219, -0.0442, -0.0348, -0.0434, -0.0026, 0.0199, -0.0176]


def init():
    """Loads the model, once in each worker."""
    global model
    model = joblib.load(MODEL_DIR / "diabetes.joblib")


@input_schema("data", NumpyParameterType(numpy.array([PATIENT])))
@output_schema(NumpyParameterType(numpy.array([206.11])))
def run(data):
    """Answers one request: gets the member "data" of its JSON body, returns what becomes JSON."""
    return model.predict(data).tolist()
