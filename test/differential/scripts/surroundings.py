import os
import sys
import threading

import helper

SEEN = (
    "AML_APP_ROOT AZUREML_ENTRY_SCRIPT AZUREML_MODEL_DIR AZUREML_SOURCE_DIRECTORY AZUREML_CONFIG_FILE SERVICE_NAME "
    "SERVICE_VERSION WORKER_COUNT WORKER_TIMEOUT WORKER_PRELOAD SERVER_PORT HEALTH_PORT SEPERATE_HEALTH_ENDPOINT "
    "AML_CORS_ORIGINS AML_APP_INSIGHTS_ENABLED AML_APP_INSIGHTS_KEY SCORING_TIMEOUT_MS "
    "TRANSPORT_PROTOCOL MINE"
).split()


def init():
    pass


def run(raw_data):
    return {
        "environment": {name: os.environ.get(name) for name in SEEN},
        "name": __name__,
        "file": __file__,
        "folder": os.getcwd(),
        "helper": helper.__file__,
        "main thread": threading.current_thread() is threading.main_thread(),
        "app root is importable": os.environ["AML_APP_ROOT"] in sys.path,
        "script folder is importable": os.path.dirname(__file__) in sys.path,
    }
