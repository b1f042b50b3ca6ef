"""Starts a program that ends when its parent dies. Run as a script, not imported.

    python -I -S parent_death.py PARENT_PID PROGRAM ARGUMENT...

On Linux the kernel sends SIGTERM to the program when its parent dies, for whatever reason. The
setting survives exec, so the program need not cooperate. On other systems the program starts
without this protection. It is a script because `preexec_fn` is not safe in a threaded process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Request SIGTERM on the parent's death, then exec the program."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the request
            sys.exit(f"the parent of {command[0]} has died")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]} does not start: {error.strerror}")


if __name__ == "__main__":
    main()
