# A type of the script's own; its conversion takes as long as the input says.
import time

from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.schema_decorators import input_schema


class Seconds(AbstractParameterType):
    def __init__(self):
        super().__init__(1.0)

    def deserialize_input(self, input_data):
        time.sleep(input_data)
        return f"{input_data} s"

    def input_to_swagger(self):
        return {"type": "number", "format": "seconds", "example": self.sample_input}


def init():
    time.sleep(2)  # longer than the limit of run()


@input_schema("pause", Seconds())
def run(pause):
    return pause
