"""Asks the models of this repository with NVIDIA's client: pip install 'tritonclient[http]'; python client.py [HOST:PORT].

Tensors go and come as bytes, which is what the client does unless it is told otherwise.
"""

import sys

import numpy as np
import tritonclient.http as triton

ROWS = np.array(
    [
        [0.0381, 0.0507, 0.0617, 0.0219, -0.0442, -0.0348, -0.0434, -0.0026, 0.0199, -0.0176],
        [-0.0019, -0.0446, -0.0515, -0.0263, -0.0084, -0.0192, 0.0744, -0.0395, -0.0683, -0.0922],
    ],
    dtype=np.float32,
)
WIDTH, HEIGHT = 4, 2


def tensor(name: str, array: np.ndarray) -> triton.InferInput:
    made = triton.InferInput(name, list(array.shape), "FP32")
    made.set_data_from_numpy(array)
    return made


client = triton.InferenceServerClient(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5001")
print("ready:", client.is_server_ready())
print("versions of diabetes:", ", ".join(client.get_model_metadata("diabetes")["versions"]))
for version in ("1", "2"):
    answer = client.infer("diabetes", [tensor("rows", ROWS)], model_version=version)
    print(f"diabetes {version}:", [round(value, 2) for value in answer.as_numpy("predictions").ravel().tolist()])
picture = np.stack([np.full((HEIGHT, WIDTH), shade, dtype=np.float32) for shade in (0.25, 0.5, 1.0)])
print("colours:", client.infer("colours", [tensor("picture", picture)]).as_numpy("means").tolist())
