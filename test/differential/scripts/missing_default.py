def init():
    pass


def run(raw_data, other):
    return raw_data
