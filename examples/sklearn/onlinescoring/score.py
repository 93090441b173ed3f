import json
import logging
import os

import joblib
import numpy


def init():
    """Called once, when the server starts: loads the model from the model directory."""
    global model
    # AZUREML_MODEL_DIR is set by Azure Machine Learning, and by --model_dir on your own machine.
    model_path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model/sklearn_regression_model.pkl")
    model = joblib.load(model_path)
    logging.info("Init complete")


def run(raw_data):
    """Called for every request to /score: the body comes as text, the result goes out as JSON."""
    logging.info("model 1: request received")
    data = json.loads(raw_data)["data"]
    data = numpy.array(data)
    result = model.predict(data)
    logging.info("Request processed")
    return result.tolist()
