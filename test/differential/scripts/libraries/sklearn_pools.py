"""scikit-learn with n_jobs, over a function of the script's own."""

import json

import numpy
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def double(values):
    return values * 2


def init():
    global model
    model = make_pipeline(FunctionTransformer(double), RandomForestRegressor(n_estimators=4, random_state=0, n_jobs=2))


def run(data):
    rows = numpy.array(json.loads(data), dtype=float)
    scores = cross_val_score(model, rows[:, :-1], rows[:, -1], cv=2, n_jobs=2, error_score="raise")
    return scores.round(9).tolist()
