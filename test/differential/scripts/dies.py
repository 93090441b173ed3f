import os


def init():
    print("hello")


def run(raw_data):
    if raw_data == "die":
        os._exit(1)
    return raw_data
