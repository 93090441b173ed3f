def init():
    pass


def run(raw_data, *, other="default"):
    return [raw_data, other]
