def init():
    pass


def run(raw_data):
    yield "one"
    yield "two"
