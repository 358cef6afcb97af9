"""No core dumps: a crash would write names, payloads and keys in clear into a file that nobody erases."""

import resource

from common.prctl import prctl

PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4  # linux/prctl.h


def disable(*, also_piped: bool) -> None:
    """Has the kernel write no core dump of this process, nor of the programs that it starts.

    Linux ignores that limit if it pipes core dumps to a program such as systemd-coredump. `also_piped` sets a flag
    against that, for this process alone. The flag also keeps the user's other processes, and so profilers and
    debuggers, from reading this one's memory.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if also_piped:
        prctl(PR_SET_DUMPABLE, 0)


def are_disabled(*, also_piped: bool) -> bool:
    """Whether `disable` has worked."""
    is_dumpable = prctl(PR_GET_DUMPABLE) == 1  # None on systems other than Linux, which have the limit alone
    return resource.getrlimit(resource.RLIMIT_CORE)[0] == 0 and not (also_piped and is_dumpable)
