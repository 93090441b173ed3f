"""Fails inside Cython code of pandas, numpy and scikit-learn."""

import io

import numpy
import pandas
from sklearn.neighbors import KDTree

WAYS = {
    "dates": lambda: pandas.to_datetime(["nonsense"]),
    "csv": lambda: pandas.read_csv(io.StringIO("a,b\n1,2\n1,2,3,4\n")),
    "random": lambda: numpy.random.randint(5, 1),
    "tree": lambda: KDTree([[1, 2]]).query([[1, 2, 3]]),
}


def init():
    pass


def run(data):
    return WAYS[data]()
