"""Holds nothing of the request: what a big body costs is the server's."""


def init():
    pass


def run(raw_data):
    return {"length": len(raw_data)}
