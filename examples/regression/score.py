"""Predicts the progress of diabetes with a linear model. Needs nothing but the standard library."""

import json
import math
import os
from pathlib import Path


def init():
    global features, weights, intercept
    model = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "diabetes.json").read_text(encoding="utf-8"))
    features, weights = zip(*model["coefficients"].items())
    intercept = model["intercept"]
    print("model ready, features: " + ", ".join(features))


def run(raw_data):
    return [predict(row) for row in read_rows(raw_data)]


def predict(row):
    return intercept + math.fsum(weight * value for weight, value in zip(weights, row))


def read_rows(raw_data):
    try:
        payload = json.loads(raw_data)
    except ValueError as error:
        raise ValueError(f"the request body is not JSON: {error}") from None
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), list):
        raise ValueError(f'the request body needs a member "data" with a list of rows of {len(features)} numbers')
    for index, row in enumerate(payload["data"]):
        check_row(index, row)
    return payload["data"]


def check_row(index, row):
    if not isinstance(row, list) or len(row) != len(features):
        raise ValueError(f"data[{index}] has to be a list of {len(features)} numbers: {', '.join(features)}")
    for feature, value in zip(features, row):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"data[{index}] has {value!r} for {feature}, which is not a finite number")
