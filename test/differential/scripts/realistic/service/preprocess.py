import re


def tokenize(text):
    return re.findall(r"\w+", text.lower())


class Vocabulary:
    def __init__(self, words):
        self.places = {word: place for place, word in enumerate(words)}

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(file.read().split())

    def __len__(self):
        return len(self.places)

    def ids(self, tokens):
        return [self.places[token] for token in tokens]
