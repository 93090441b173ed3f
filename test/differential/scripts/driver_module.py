def init():
    print("inner init")


def run(raw_data):
    return "inner"
