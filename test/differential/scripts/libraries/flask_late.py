"""Imports Flask where it needs it, in run()."""


def init():
    pass


def run(data):
    from flask import request

    return [data, request.method, request.headers.get("X-One"), request.get_data(as_text=True), dict(request.args)]
