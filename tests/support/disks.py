# SPDX-License-Identifier: Apache-2.0
"""Small disks of a test alone: some forget what was not flushed when the power goes, some fail on command.

They are mounted in a mount namespace of the test, so nothing is left mounted however the test ends.
"""
import ctypes
import os
import subprocess
from pathlib import Path

from processes import Child, wait_until
from tools import Unavailable, find, run

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
LOOP_TOOLS = ("losetup", "mount", "umount", "mkfs.ext4")
NBD_TOOLS = ("nbdkit", "nbdfuse")


def enter_own_namespace():
    """Mounts of this process and its children are seen by nobody else, and end with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise Unavailable(f"mounting needs root ({os.strerror(ctypes.get_errno())})")


def make_image(path, megabytes):
    with open(path, "wb") as image:
        image.truncate(megabytes << 20)
    run("mkfs.ext4", "-q", "-F", path)


class LoopDisk:
    """An ext4 file system in a file, mounted while the block runs."""

    def __init__(self, image, mount_point, *, options="defaults"):
        self.image = image
        self.mount_point = Path(mount_point)
        self.mount_point.mkdir(exist_ok=True)
        self.options = options

    def __enter__(self):
        # The kernel frees a loop device made by mount at unmounting, also when the namespace ends.
        run("mount", "-t", "ext4", "-o", f"loop,{self.options}", self.image, self.mount_point)
        return self

    def __exit__(self, *_):
        subprocess.run([find("umount"), "-l", str(self.mount_point)], check=False, capture_output=True)

    def remount(self, mode):
        run("mount", "-o", f"remount,{mode}", self.mount_point)


class NbdDisk:
    """The same behind nbdkit, whose filters forget what was not flushed, or fail.

    `power_off` is the moment: what nbdkit holds in memory is gone, and nobody can write any more.
    """

    FORGETFUL = ("--filter=cache", "cache=writeback", "cache-min-block-size=4k")

    def __init__(self, directory, image, filters):
        self.directory = Path(directory)
        self.image = image
        self.filters = filters
        self.socket = self.directory / "disk.socket"
        self.device_directory = self.directory / "device"
        self.mount_point = self.directory / "disk"
        self.server = self.fuse = None

    def __enter__(self):
        self.device_directory.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        flags = [option for option in self.filters if option.startswith("-")]
        settings = [option for option in self.filters if not option.startswith("-")]
        try:
            self.server = Child("nbdkit", self.directory, [
                find("nbdkit"), "-f", "-U", str(self.socket), *flags, "file", str(self.image), *settings])
            wait_until(lambda: self.server.must_run(Unavailable) and self.socket.exists(), "nbdkit listens", Unavailable)
            device = self.device_directory / "nbd"
            self.fuse = Child("nbdfuse", self.directory, [find("nbdfuse"), str(device), "--unix", str(self.socket)])
            wait_until(lambda: self.fuse.must_run(Unavailable) and device.exists(), "nbdfuse shows the disk", Unavailable)
            self.mounted = LoopDisk(device, self.mount_point).__enter__()
        except BaseException:
            self.__exit__()
            raise
        return self

    def power_off(self):
        self.server.kill()

    def __exit__(self, *_):
        for child in (self.server, self.fuse):
            if child is not None:
                child.kill()
        for mounted in (self.mount_point, self.device_directory):
            subprocess.run([find("umount"), "-l", str(mounted)], check=False, capture_output=True)
