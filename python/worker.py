"""Entry of the Python worker process: `python3 worker.py [NAME...]`, spawned with pipes on descriptors 3 to 5.

Each NAME is an environment variable for the interpreter alone, which the score script does not see.
"""

# This file is read by whatever Python the user names, even 2.7: nothing here may be newer.
import os
import sys

EXIT_OLD_PYTHON = 4
"""The front knows it and says why (src/pool/interpreter.ts)."""

if sys.version_info < (3, 9):  # noqa: UP036 - see above
    sys.exit(EXIT_OLD_PYTHON)

if __name__ in ("__main__", "__mp_main__"):
    # Our folder is on the import path for the import below only: the score script must not find our modules.
    _HERE = os.path.dirname(os.path.realpath(__file__))
    if sys.path[:1] != [_HERE]:
        sys.path.insert(0, _HERE)
    if __name__ == "__main__":
        for name in sys.argv[1:]:
            os.environ.pop(name, None)
        from scorefn_worker.main import main

        del sys.path[0]
        main()
    else:
        # A child of multiprocessing's "spawn" runs this file again, but must not become a second worker.
        from scorefn_worker.spawned import offer_entry_module

        del sys.path[0]
        offer_entry_module()
