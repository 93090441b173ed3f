def init():
    print("init is done")


def run(raw_data):
    return raw_data
