"""Makes model/diabetes.joblib with the scikit-learn that is installed, from the diabetes data set that it ships."""

from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

MODEL_FILE = Path(__file__).parent / "model" / "diabetes.joblib"
# Far more than the data carry, and few enough to write the same file on every processor.
DECIMALS = 6

regression = LinearRegression().fit(*load_diabetes(return_X_y=True))
for learned in ("coef_", "intercept_", "singular_"):
    setattr(regression, learned, getattr(regression, learned).round(DECIMALS))
joblib.dump(regression, MODEL_FILE)
