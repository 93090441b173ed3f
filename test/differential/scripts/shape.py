"""run() has the shape that the variable SHAPE names."""

import os


def init():
    pass


def positional_only(raw_data, /):
    return raw_data


def var_args(*raw_data):
    return raw_data


def var_keywords(**raw_data):
    return raw_data


def nothing():
    return None


def only_headers(request_headers):
    return request_headers


not_callable = 5

run = globals()[os.environ["SHAPE"]]
