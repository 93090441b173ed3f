"""The Python worker of scorefn: runs one score script for the front process (docs/worker-protocol.md)."""
