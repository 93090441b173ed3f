def init():
    if True:
        pass
      return 1


def run(raw_data):
    return raw_data
