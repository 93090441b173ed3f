"""The command `azmlinfsrv`, and `python -m azureml_inference_server_http.amlserver` (contract CLI-1)."""

# This file and those beside it are read by whatever Python starts them, even 2.7: nothing but _start.py may be newer.
import sys

if sys.version_info < (3, 9):  # noqa: UP036 - see above
    where = (sys.executable, sys.version_info[0], sys.version_info[1])
    sys.exit("azmlinfsrv: Python 3.9 or later is needed; %s is %d.%d" % where)  # noqa: UP031 - see above

from azureml_inference_server_http._start import main

if __name__ == "__main__":
    main()
