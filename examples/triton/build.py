"""Rebuilds the models below model_repository: two versions of a regression, and one that measures a picture.

Needs Python 3.11 to 3.14 and requirements-build.txt.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge

REPOSITORY = Path(__file__).parent / "model_repository"
FEATURES = 10
# Far more than the data carry, and few enough to write the same file on every processor.
DECIMALS = 6
# onnxruntime-node reads files up to 13; the onnx of today writes newer ones unless it is told.
IR_VERSION = 10
OPSET = 17


def write(model: onnx.ModelProto, name: str, version: int) -> None:
    folder = REPOSITORY / name / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    model.opset_import.sort(key=lambda opset: opset.domain)  # comes out of a set, in any order
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))


def regression(kind: LinearRegression | Ridge) -> onnx.ModelProto:
    fitted = kind.fit(*load_diabetes(return_X_y=True))
    fitted.coef_ = fitted.coef_.round(DECIMALS)
    fitted.intercept_ = np.round(fitted.intercept_, DECIMALS)
    return to_onnx(
        fitted,
        initial_types=[("rows", FloatTensorType([None, FEATURES]))],
        final_types=[("predictions", FloatTensorType([None, 1]))],
        target_opset=OPSET,
    )


def colours() -> onnx.ModelProto:
    """Mean of each channel of a picture."""
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, None, None])
    means = helper.make_tensor_value_info("means", TensorProto.FLOAT, [1, 3])
    node = helper.make_node("ReduceMean", ["picture"], ["means"], axes=[2, 3], keepdims=0)
    graph = helper.make_graph([node], "colours", [picture], [means])
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])


write(regression(LinearRegression()), "diabetes", 1)
write(regression(Ridge(alpha=0.1)), "diabetes", 2)
write(colours(), "colours", 1)
