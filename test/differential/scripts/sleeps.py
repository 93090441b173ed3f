import time


def init():
    pass


def run(raw_data):
    time.sleep(float(raw_data))
    return "awake"
