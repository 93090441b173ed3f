"""Rebuilds model/diabetes.json. Needs scikit-learn: pip install -r ../sklearn/requirements.txt"""

import json
from pathlib import Path

import sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

MODEL_FILE = Path(__file__).parent / "model" / "diabetes.json"
# Far more than the data carry, and few enough to be the same on every processor.
DECIMALS = 6

dataset = load_diabetes()
regression = LinearRegression().fit(dataset.data, dataset.target)
model = {
    "metadata": {
        "description": "Predicts a measure of disease progression one year after baseline",
        "dataset": "diabetes (442 patients), from sklearn.datasets.load_diabetes()",
        "source": "Efron, Hastie, Johnstone, Tibshirani (2004), Least Angle Regression, Annals of Statistics",
        "algorithm": "sklearn.linear_model.LinearRegression",
        "trained_with": f"scikit-learn {sklearn.__version__}",
        "r2_on_training_data": round(regression.score(dataset.data, dataset.target), 4),
    },
    "coefficients": {
        name: round(float(weight), DECIMALS) for name, weight in zip(dataset.feature_names, regression.coef_)
    },
    "intercept": round(float(regression.intercept_), DECIMALS),
}
MODEL_FILE.write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
