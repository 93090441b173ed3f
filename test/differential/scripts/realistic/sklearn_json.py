# Without decorators, as the first samples had it: the text is parsed here, and errors are answered as text.
import json
import os

import joblib
import numpy


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_regression_model.pkl"))


def run(raw_data):
    try:
        data = numpy.array(json.loads(raw_data)["data"])
        result = model.predict(data).round(6)
        return result.tolist()
    except Exception as e:
        error = str(e)
        return error
