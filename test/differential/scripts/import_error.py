import does_not_exist


def init():
    does_not_exist.init()


def run(raw_data):
    return raw_data
