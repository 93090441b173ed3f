def init():
    print("before")
    open_model()


def open_model():
    raise KeyError("weights")


def run(raw_data):
    return raw_data
