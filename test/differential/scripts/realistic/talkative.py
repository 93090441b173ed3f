# Logs in every way that scripts log.
import json
import logging
import sys
import warnings

logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
logger = logging.getLogger(__name__)
print("imported", __name__)


def init():
    logger.info("init starts")
    print("loading", {"model": 1}, sep=": ")
    print("to stderr", file=sys.stderr)
    warnings.warn("this model is old", stacklevel=1)
    logger.debug("never seen")


def run(raw_data):
    data = json.loads(raw_data)
    print(f"got {len(raw_data)} characters")
    logger.info("scoring %d rows", len(data["rows"]))
    sys.stdout.write("written past the hook\n")
    sys.stdout.flush()
    try:
        quotient = 1 / len(data["rows"])
    except ZeroDivisionError:
        logger.exception("no rows")
        print("no rows", file=sys.stdout)
        quotient = None
    for handler in logging.getLogger().handlers:
        handler.flush()
    return {"quotient": quotient}
