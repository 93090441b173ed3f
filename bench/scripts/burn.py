"""Computes for as many milliseconds of CPU time as the request says."""
import json
import time


def init():
    pass


def run(raw_data):
    end = time.process_time() + json.loads(raw_data)["ms"] / 1000
    rounds = 0
    while time.process_time() < end:
        rounds += 1
    return {"ok": rounds > 0}
