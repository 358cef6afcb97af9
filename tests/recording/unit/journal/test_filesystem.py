"""Which file system a folder is on, according to the kernel's mount table."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pytest_django import Settings

from backend.settings.machine import SHARED_MEMORY
from common.doctor import Wrong
from recording.doctor import journal_disk
from recording.journal.filesystem import MEMORY, NETWORK, network_type, type_in, type_of

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
30 22 0:40 / /srv rw,relatime shared:7 master:1 - nfs4 server:/export rw,vers=4.2
31 30 8:1 / /srv/local rw,relatime - xfs /dev/sdb rw
32 22 0:41 /deep /mnt/with\040space rw - fuse.sshfs doctor@host: rw
33 22 8:2 / /var/lib rw - ext4 /dev/sdc rw
34 22 0:42 / /var/lib rw - cifs //host/share rw
35 22 0:43 / /vol\134x rw - tmpfs tmpfs rw

garbage
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/home/x", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/state", "nfs4"),
        ("/srv/local/state", "xfs"),
        ("/srvx", "ext4"),
        ("/mnt/with space/state", "fuse.sshfs"),
        ("/var/lib/mlproxy", "cifs"),
        (r"/vol\x/y", "tmpfs"),
    ],
)
def test_it_finds_the_mount_of_a_folder(folder: str, kind: str) -> None:
    assert type_in(MOUNTS, Path(folder)) == kind


@pytest.mark.parametrize("mountinfo", ["", "garbage", "1 2 3 4 /other rw - ext4 x rw"])
def test_it_returns_blank_if_the_mount_is_unknown(mountinfo: str) -> None:
    assert type_in(mountinfo, Path("/srv")) == ""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "lustre"])
def test_it_recognizes_network_file_systems(kind: str) -> None:
    assert NETWORK.fullmatch(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuse.ntfs", "nfsd", "9p", ""])
def test_it_accepts_local_file_systems(kind: str) -> None:
    assert not NETWORK.fullmatch(kind)


def test_it_accepts_the_folder_of_this_test(tmp_path: Path) -> None:
    assert type_in(Path("/proc/self/mountinfo").read_text(), tmp_path)
    assert network_type(tmp_path) == ""


@pytest.mark.skipif(type_of(SHARED_MEMORY) not in MEMORY, reason="there is no folder in memory")
def test_the_doctor_of_a_server_names_a_journal_in_memory(settings: Settings) -> None:
    settings.JOURNAL_MAX_BYTES = 0
    with TemporaryDirectory(dir=SHARED_MEMORY) as folder:
        settings.VAR_DIR = Path(folder)
        settings.DEBUG = True
        assert "keeps a file" in journal_disk()
        settings.DEBUG = False
        with pytest.raises(Wrong, match=r"is memory \(tmpfs\)"):
            journal_disk()
