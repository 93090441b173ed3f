"""Rebuilds the folder model: a linear regression on the diabetes data set that scikit-learn ships, as MLflow saves it.

Needs the packages of requirements-model.txt, which the model names as its own.
"""

import os
import shutil
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

MODEL = Path(__file__).parent / "model"
# Far more than the data carry, and few enough to write the same numbers on every processor.
DECIMALS = 6

rows, progression = load_diabetes(return_X_y=True, as_frame=True)
regression = LinearRegression().fit(rows, progression)
for learned in ("coef_", "intercept_", "singular_"):
    setattr(regression, learned, getattr(regression, learned).round(DECIMALS))

shutil.rmtree(MODEL, ignore_errors=True)
# skops, MLflow's default, is no pickle: loading it runs no code of the model's.
mlflow.sklearn.save_model(
    regression,
    MODEL,
    signature=infer_signature(rows, regression.predict(rows)),
    input_example=rows.head(2).round(4),
    pip_requirements=str(Path(__file__).parent / "requirements-model.txt"),
)
