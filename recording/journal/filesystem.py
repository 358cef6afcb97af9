"""Detects file systems that do not fit the journal: memory, and network ones, whose locks and syncs are too weak.

Shared folders of virtual machines and sandboxes (9p, virtiofs) are accepted: only one machine uses them.
"""

import re
from pathlib import Path

NETWORK = re.compile(
    r"nfs\d*|cifs|smb\d*|smbfs|afs|ceph|glusterfs|lustre|gpfs|beegfs|ocfs2|gfs2|pvfs2|orangefs"
    r"|fuse\.(sshfs|glusterfs|ceph\S*|s3fs|rclone|juicefs|moosefs|mfs|gcsfuse|goofys|smb\S*|nfs\S*|davfs\S*)"
)
MEMORY = frozenset({"tmpfs", "ramfs"})
_ESCAPE = re.compile(r"\\([0-7]{3})")


def network_type(folder: Path) -> str:
    """The type of the network file system that `folder` is on; blank if it is local or unknown."""
    kind = type_of(folder)
    return kind if NETWORK.fullmatch(kind) else ""


def type_of(folder: Path) -> str:
    """The type of the file system that `folder` is on; blank if it is unknown."""
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return ""  # not on Linux
    return type_in(mountinfo, folder.resolve())


def type_in(mountinfo: str, folder: Path) -> str:
    """The type of the file system that `folder`, an absolute path, is on; blank if the text does not list it.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: the mount point is the fifth field, the type
    is the first field after the separator `-`. If several mounts share a mount point, the last one counts.
    """
    found, longest = "", -1
    for line in mountinfo.splitlines():
        head, _, tail = line.partition(" - ")
        fields, kind = head.split(" "), tail.split(" ")[0]
        if len(fields) < 5:
            continue
        point = Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = kind, len(point.parts)
    return found
