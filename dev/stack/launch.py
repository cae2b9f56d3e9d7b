"""Becomes another program that ends when its parent does: run by path, with nothing but the stdlib.

`python -I -S launch.py PARENT_PID SIGNAL UID GID PROGRAM ARGUMENT…` (UID and GID -1: as we are).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, parting_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which clears it (prctl(2)). Elsewhere there is no such thing;
        # the next start ends what was left behind.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, parting_signal, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    try:
        os.execvp(program[0], program)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
