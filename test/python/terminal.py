"""Runs a program in a terminal of its own and copies what it writes to stdout.

Arguments: columns, a text at which Ctrl+C is pressed (empty: never), and the command.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

READ_BYTES = 65536
ROWS = 24
CTRL_C = b"\x03"


def main(columns: str, press_at: str, command: list[str]) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, int(columns), 0, 0))
        os.execvp(command[0], command)  # noqa: S606
    seen = b""
    is_pressed = not press_at
    while True:
        try:
            data = os.read(terminal, READ_BYTES)
        except OSError:
            # Linux's way to say that nobody has the terminal open any more.
            break
        if not data:
            break
        os.write(1, data)
        seen += data
        if not is_pressed and press_at.encode() in seen:
            is_pressed = True
            os.write(terminal, CTRL_C)
    _, status = os.waitpid(pid, 0)
    # As a shell says it.
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
