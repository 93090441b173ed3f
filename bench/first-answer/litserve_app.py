import sys

import litserve


class Model(litserve.LitAPI):
    def setup(self, device):
        self.weights = [1.0, 2.0]

    def decode_request(self, request):
        return request["data"]

    def predict(self, rows):
        return [sum(w * x for w, x in zip(self.weights, row)) for row in rows]

    def encode_response(self, output):
        return {"output": output}


if __name__ == "__main__":
    server = litserve.LitServer(Model(api_path="/score"), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
