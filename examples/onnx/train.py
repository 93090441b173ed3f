"""Rebuilds model/diabetes.onnx: a linear regression on the diabetes data set that scikit-learn ships.

Needs Python 3.11 to 3.14 and requirements-train.txt.
"""

from pathlib import Path

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

MODEL_FILE = Path(__file__).parent / "model" / "diabetes.onnx"
FEATURES = 10
# Far more than the data carry, and few enough to write the same file on every processor.
DECIMALS = 6

regression = LinearRegression().fit(*load_diabetes(return_X_y=True))
regression.coef_ = regression.coef_.round(DECIMALS)
regression.intercept_ = regression.intercept_.round(DECIMALS)
model = to_onnx(
    regression,
    initial_types=[("rows", FloatTensorType([None, FEATURES]))],
    final_types=[("predictions", FloatTensorType([None, 1]))],
    target_opset=17,
)
model.opset_import.sort(key=lambda opset: opset.domain)  # comes out of a set, in any order
model.doc_string = "Predicts a measure of disease progression one year after baseline from ten variables."
MODEL_FILE.write_bytes(model.SerializeToString(deterministic=True))
