import sys


class OwnError(Exception):
    pass


def deeper():
    return {}["missing"]


def chained():
    try:
        deeper()
    except KeyError as error:
        raise OwnError("ünïcode") from error


def leave():
    sys.exit(5)


def time_out():
    raise TimeoutError("my own")


def interrupt():
    raise KeyboardInterrupt


def init():
    pass


def run(raw_data):
    return globals()[raw_data]()
