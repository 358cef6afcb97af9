"""The machine: the state folder, the listening address and ports, processes and threads, metrics."""

import os
import stat
from hashlib import sha256
from pathlib import Path

from backend import env
from common import core_dumps
from recording.journal.filesystem import network_type


def _require_local_disk(folder: Path) -> None:
    """The journal needs a disk that keeps what was synced. Raises `BadSetting`."""
    if network := network_type(folder / "journal"):
        fix = "set it to a folder on a disk of this machine"
        raise env.BadSetting("VAR_DIR", f"is on a network file system ({network})", fix)


def _metrics_folder(state: Path) -> Path:
    """A folder in shared memory, the same for all processes of this user with this state folder.

    If a disk hangs, a write to a file that is mapped from it stops the whole process, not just one thread. Where there
    is no shared memory, or where somebody else has this folder, the counters lie in the state folder.
    """
    folder = SHARED_MEMORY / f"ml-proxy-{os.getuid()}-{sha256(os.fsencode(state.resolve())).hexdigest()[:16]}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return state / "metrics"
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if is_ours else state / "metrics"


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is ours
BASE_DIR = env.ROOT
DEBUG = env.switch("DEBUG", default=False)
core_dumps.disable(also_piped=not DEBUG)  # here, because each process that holds names or keys reads its settings
VAR_DIR = env.folder("VAR_DIR", Path("var"))
_require_local_disk(VAR_DIR)

BIND_HOST = env.address("BIND_HOST", "127.0.0.1")
GATEWAY_PORT = env.port("GATEWAY_PORT", 8000)
FLOWER_PORT = env.port("FLOWER_PORT", 5555)
GATEWAY_WORKERS = env.integer("GATEWAY_WORKERS", 1, minimum=1, maximum=64, unit="processes")
GATEWAY_THREADS = env.integer("GATEWAY_THREADS", 32, minimum=1, maximum=512, unit="threads for each process")

# All processes that share the state folder write their counters here, in memory-mapped files.
METRICS_DIR = env.folder("METRICS_DIR", _metrics_folder(VAR_DIR))
# The port of a worker's own metrics server, for a worker that shares no state folder with a gateway; 0 for none.
WORKER_METRICS_PORT = env.integer("WORKER_METRICS_PORT", 0, minimum=0, maximum=65535, unit="TCP ports")
