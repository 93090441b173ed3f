def load():
    raise RuntimeError("not today")


load()


def init():
    pass


def run(raw_data):
    return raw_data
