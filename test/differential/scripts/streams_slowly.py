import time

import flask


def init():
    time.sleep(0.6)  # longer than the limit of run()


def pieces():
    yield "a"
    time.sleep(0.6)
    yield "b"


def run(raw_data):
    return flask.Response(pieces())
