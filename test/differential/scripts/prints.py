import logging
import sys


def init():
    print("from init")


def run(raw_data):
    print()
    print("a", 1, None, sep="-", end="!")
    print("two\nlines", flush=True)
    print("to stdout", file=sys.stdout)
    print("to stderr", file=sys.stderr)
    sys.stderr.flush()
    logging.info("lost")
    logging.getLogger("mine").error("named error")
    logging.warning("root warning")
    print("ünïcode")
    return "printed"
