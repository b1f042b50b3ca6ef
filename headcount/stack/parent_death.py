"""The leash: starts a program that dies with the one who started it. Run as a script, not imported.

    python -I -S parent_death.py PARENT_PID PROGRAM ARGUMENT...

On Linux the kernel sends SIGTERM to the program when its parent dies, in whatever way. The setting
survives exec, so the program needs no part in it. Elsewhere it is started as it is. This is a
script rather than a `preexec_fn`, which is not safe in a process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put this process on the leash, then become the program."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(f"the parent of {command[0]} is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]} does not start: {error.strerror}")


if __name__ == "__main__":
    main()
