"""The command `scorefn`, and `python -m scorefn`."""

# This file and __init__.py are read by whatever Python starts them, even 2.7: nothing here may be newer.
import sys

if sys.version_info < (3, 9):  # noqa: UP036 - see above
    where = (sys.executable, sys.version_info[0], sys.version_info[1])
    sys.exit("scorefn: Python 3.9 or later is needed; %s is %d.%d" % where)  # noqa: UP031 - see above

from scorefn.launch import main

if __name__ == "__main__":
    main()
