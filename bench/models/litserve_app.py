"""The classifier behind LitServe: python litserve_app.py MODEL PORT."""

import sys

import joblib
import litserve
import numpy as np


class Iris(litserve.LitAPI):
    """Predicts with the model that MLServer serves, too."""

    def setup(self, device):
        self.model = joblib.load(sys.argv[1])

    def decode_request(self, request):
        return np.array(request["input_data"])

    def predict(self, rows):
        return self.model.predict(rows)

    def encode_response(self, labels):
        return labels.tolist()


if __name__ == "__main__":
    server = litserve.LitServer(Iris(api_path="/score"), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error")
