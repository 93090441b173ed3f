"""Makes the models of the benchmark in a folder, with the packages of the interpreter it runs with: python make.py KIND FOLDER.

KIND: onnx, sklearn or mlflow. All are fitted to the same data, so that all servers have the same to do.
"""

import os
import sys
from pathlib import Path

from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

IRIS = LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))
OPSET = 17
IR_VERSION = 10  # newest ones are too new for onnxruntime-node


def make_onnx(folder: Path) -> None:
    """iris.onnx, and picture.onnx: means of channels, which takes no time beside the picture's way."""
    from onnx import TensorProto, helper
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    inputs = [("flowers", FloatTensorType([None, 4]))]
    iris = to_onnx(IRIS, initial_types=inputs, options={"zipmap": False}, target_opset=OPSET)
    (folder / "iris.onnx").write_bytes(iris.SerializeToString())
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, 224, 224])
    means = helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3])
    node = helper.make_node("ReduceMean", ["picture"], ["means"], axes=[2, 3], keepdims=0)
    graph = helper.make_graph([node], "picture", [picture], [means])
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    (folder / "picture.onnx").write_bytes(model.SerializeToString())


def make_sklearn(folder: Path) -> None:
    """iris.joblib."""
    import joblib

    joblib.dump(IRIS, folder / "iris.joblib")


def make_mlflow(folder: Path) -> None:
    """The folder diabetes, with a signature of ten columns."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.sklearn
    from mlflow.models import infer_signature

    rows, target = load_diabetes(return_X_y=True, as_frame=True)
    regression = LinearRegression().fit(rows, target)
    signature = infer_signature(rows, regression.predict(rows))
    mlflow.sklearn.save_model(regression, folder / "diabetes", signature=signature, pip_requirements=["scikit-learn"])


if __name__ == "__main__":
    {"onnx": make_onnx, "sklearn": make_sklearn, "mlflow": make_mlflow}[sys.argv[1]](Path(sys.argv[2]))
