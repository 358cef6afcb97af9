"""Which file system a folder is on. On a network's, locks and syncs do not hold what the journal builds on.

Shared folders of virtual machines and sandboxes (9p, virtiofs) pass: to one machine they are its disk.
"""

import re
from pathlib import Path

NETWORK = re.compile(
    r"nfs\d*|cifs|smb\d*|smbfs|afs|ceph|glusterfs|lustre|gpfs|beegfs|ocfs2|gfs2|pvfs2|orangefs"
    r"|fuse\.(sshfs|glusterfs|ceph\S*|s3fs|rclone|juicefs|moosefs|mfs|gcsfuse|goofys|smb\S*|nfs\S*|davfs\S*)"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def network_type(folder: Path) -> str:
    """The type of the network file system that `folder` is on; blank for a local one, or where none can tell."""
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return ""  # not on Linux
    kind = type_in(mountinfo, folder.resolve())
    return kind if NETWORK.fullmatch(kind) else ""


def type_in(mountinfo: str, folder: Path) -> str:
    """The type of the file system that `folder`, an absolute path, is on; blank where the text does not say.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: the mount point is the fifth field, and the
    type the first behind a lone dash. Of several mounts on one point the last one counts.
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
