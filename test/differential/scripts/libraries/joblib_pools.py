"""Work that joblib gives to processes, with what the script defines and what init() made."""

from joblib import Parallel, delayed

factor = None


class Refused(Exception):
    pass


class Point:
    def __init__(self, x):
        self.x = x


def init():
    global factor
    factor = 10


def scale(number):
    if number < 0:
        raise Refused(number)
    return Point(factor * number)


def run(data):
    numbers = [int(part) for part in data.split(",")]
    answers = {}
    for backend in ("loky", "threading"):
        try:
            points = Parallel(n_jobs=2, backend=backend)(delayed(scale)(number) for number in numbers)
            answers[backend] = [[point.x, isinstance(point, Point)] for point in points]
        except Refused as refused:
            answers[backend] = ["refused", *refused.args]
    return answers
