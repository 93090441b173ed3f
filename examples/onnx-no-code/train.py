"""Rebuilds model/iris.onnx: a logistic regression on the iris data set that scikit-learn ships.

Its probabilities leave it as skl2onnx has them by default, as one map of classes and numbers per row (ZipMap).
Needs Python 3.11 to 3.14 and requirements-train.txt.
"""

from pathlib import Path

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

MODEL_FILE = Path(__file__).parent / "model" / "iris.onnx"
FEATURES = 4
# Far more than the data carry, and few enough to write the same file on every processor.
DECIMALS = 4

flowers = load_iris()
classifier = LogisticRegression(max_iter=1000).fit(flowers.data, flowers.target_names[flowers.target])
classifier.coef_ = classifier.coef_.round(DECIMALS)
classifier.intercept_ = classifier.intercept_.round(DECIMALS)
model = to_onnx(classifier, initial_types=[("flowers", FloatTensorType([None, FEATURES]))], target_opset=17)
model.opset_import.sort(key=lambda opset: opset.domain)  # comes out of a set, in any order
model.doc_string = "Tells the species of an iris from length and width of its sepals and petals, in centimetres."
MODEL_FILE.write_bytes(model.SerializeToString(deterministic=True))
