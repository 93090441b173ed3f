# A helper module and a resource lie beside the script; AML_APP_ROOT names their folder.
import json
import os

import preprocess
from preprocess import Vocabulary


def init():
    global vocabulary
    path = os.path.join(os.environ["AML_APP_ROOT"], "words.txt")
    vocabulary = Vocabulary.read(path)
    print(f"{len(vocabulary)} words")


def run(raw_data):
    text = json.loads(raw_data)["text"]
    return {"tokens": preprocess.tokenize(text), "ids": vocabulary.ids(preprocess.tokenize(text))}
