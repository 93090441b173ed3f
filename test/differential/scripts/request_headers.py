def init():
    pass


def run(request_headers, data="none"):
    return {"data": data, "headers": dict(sorted(request_headers.items()))}
