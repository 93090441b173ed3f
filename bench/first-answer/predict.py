from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def setup(self) -> None:
        self.weights = [1.0, 2.0]

    def predict(self, data: str = Input(description="JSON, rows of numbers")) -> str:
        import json

        return json.dumps([sum(w * x for w, x in zip(self.weights, row)) for row in json.loads(data)])
