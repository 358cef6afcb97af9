"""A disk of its own for the journal: an ext4 image on a loop device, which can hang, fail or be full.

The kernel's device-mapper would need a module and a tool. A loop device whose size limit is lowered fails as truly: the
kernel answers EIO to everything beyond the limit.
"""

import errno
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DISK_BYTES = 256 * 1024 * 1024
FRONT_BYTES = 2 * 1024 * 1024  # a file between the inodes and the limit, so that all others lie beyond it
LIMIT_BYTES = 4 * 1024 * 1024
PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
# No journal of the file system's own: after an I/O error in it, ext4 would stay read-only.
MAKE = ("mkfs.ext4", "-q", "-m0", "-b4096", "-N8192", "-O^has_journal,^resize_inode", "-Elazy_itable_init=0,nodiscard")
# linux/fs.h, linux/loop.h
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
LOOP_SET_STATUS64, LOOP_GET_STATUS64 = 0x4C04, 0x4C05
LOOP_INFO64_BYTES, SIZE_LIMIT_OFFSET = 232, 32  # of struct loop_info64


class NoDisk(Exception):
    """This machine can't mount a disk; the text says why."""


class Disk:
    """A mounted disk. Raises `NoDisk`."""

    def __init__(self, image: Path, folder: Path) -> None:
        if os.geteuid() != 0:
            raise NoDisk("only root may mount a disk")
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        _run(*MAKE, str(image))
        self._device = _run("losetup", "--find", "--show", str(image))
        try:
            _run("mount", "-o", "noatime,errors=continue", self._device, str(folder))
            (folder / "lost+found" / "front").write_bytes(bytes(FRONT_BYTES))
            os.sync()
            folder.chmod(0o700)
            self._require_failing()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Removes the disk; the image stays."""
        with suppress(OSError):
            self._ioctl(FITHAW)
        with suppress(NoDisk):
            _run("umount", "--lazy", str(self._folder))
        _run("losetup", "--detach", self._device)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Every write waits until the block ends."""
        self._ioctl(FIFREEZE)
        try:
            yield
        finally:
            self._ioctl(FITHAW)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """The device fails with EIO, except for what is in the page cache and the directory at its front."""
        self._limit(LIMIT_BYTES)
        try:
            yield
        finally:
            self._limit(0)

    @contextmanager
    def full(self) -> Iterator[None]:
        """No block is left. The file that takes them all is beside the journal, and does not count for its quota."""
        ballast = self._folder / "lost+found" / "ballast"
        descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for size in (2**20, 4096):
                with suppress(OSError):  # ENOSPC
                    while True:
                        os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, size)
            yield
        finally:
            os.close(descriptor)
            ballast.unlink()

    def _require_failing(self) -> None:
        probe = self._folder / "lost+found" / "probe"
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_DSYNC, 0o600)
        try:
            with self.failing():
                os.pwrite(descriptor, bytes(4096), 0)
        except OSError as exc:
            if exc.errno != errno.EIO:
                raise NoDisk(f"the loop device can't be made to fail ({exc.strerror})") from exc
        else:
            raise NoDisk("the loop device can't be made to fail")
        finally:
            os.close(descriptor)
            probe.unlink()

    def _limit(self, nbytes: int) -> None:
        """The device's size; 0 for the whole image."""
        with open(self._device, "rb") as device:
            status = bytearray(LOOP_INFO64_BYTES)
            fcntl.ioctl(device, LOOP_GET_STATUS64, status)
            struct.pack_into("=Q", status, SIZE_LIMIT_OFFSET, nbytes)
            fcntl.ioctl(device, LOOP_SET_STATUS64, bytes(status))

    def _ioctl(self, request: int) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, request, 0)
        finally:
            os.close(descriptor)


def _run(name: str, *words: str) -> str:
    """The output of a program. Raises `NoDisk`."""
    program = shutil.which(name, path=PATH)
    if program is None:
        raise NoDisk(f"there is no {name}")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDisk(f"{name}: {done.stderr.strip()}")
    return done.stdout.strip()
