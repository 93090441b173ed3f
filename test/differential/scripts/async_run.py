def init():
    pass


async def run(raw_data):
    return raw_data
