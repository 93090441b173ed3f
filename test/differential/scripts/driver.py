import driver_module  # noqa: F401


def init():
    print("outer init")


def run(raw_data):
    return "outer"
