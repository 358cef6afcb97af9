"""No core dumps: a crash would write inputs of predictions into a file that nobody erases.

The same as `common.core_dumps` of the gateway, which the model server does not depend on.
"""

import ctypes
import resource

PR_SET_DUMPABLE = 4  # linux/prctl.h


def disable() -> None:
    """Has the kernel write no core dump of this process. The limit alone does not hold if a program gets core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
