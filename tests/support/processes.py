# SPDX-License-Identifier: Apache-2.0
"""Child processes of a test that never outlive it, and a private mosquitto among them."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2): the kernel ends the child when the test dies, however it dies
LIMIT = 60            # seconds; nothing here takes that long on a machine that works


def wait_until(holds, what, failure, longest=LIMIT):
    """Polls, because what is waited for happens in other processes' files. `what` is a text or makes one."""
    end = time.monotonic() + longest
    while not holds():
        if time.monotonic() > end:
            raise failure(f"not within {longest} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process with its output in files; killed when the block ends."""

    def __init__(self, name, directory, command):
        self.name = name
        self.out = Path(directory, f"{name}.out")
        self.err = Path(directory, f"{name}.err")
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            preexec_fn=end_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(LIMIT)

    def terminate(self, failure):
        code = self.end()
        if code != 0:
            raise failure(f"{self.name} ended with {code}: {self.last_words()}")

    def wait(self, failure, longest):
        try:
            code = self.process.wait(longest)
        except subprocess.TimeoutExpired:
            raise failure(f"{self.name} does not end: {self.last_words()}") from None
        if code != 0:
            raise failure(f"{self.name} ended with {code}: {self.last_words()}")

    def must_run(self, failure):
        if self.process.poll() is not None:
            raise failure(f"{self.name} ended with {self.process.returncode}: {self.last_words()}")
        return True

    def output(self):
        return self.out.read_text(errors="replace")

    def output_size(self):
        return self.out.stat().st_size

    def errors(self):
        return self.err.read_text(errors="replace")

    def last_words(self):
        return " / ".join(self.errors().splitlines()[-3:])


class Broker:
    """A mosquitto that saves every change at once, so that what it acknowledged survives its being killed."""

    SETTINGS = """allow_anonymous true
persistence true
autosave_on_changes true
autosave_interval 1
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
"""

    def __init__(self, directory, port, *, more_addresses=()):
        self.directory = Path(directory)
        self.port = port
        self.url = f"mqtt://127.0.0.1:{port}"
        self.child = None
        user = f"user {'root' if os.geteuid() == 0 else 'nobody'}\n"  # as root it would lose its own directory
        listeners = "".join(f"listener {port} {address}\n" for address in ("127.0.0.1", *more_addresses))
        Path(directory, "mosquitto.conf").write_text(
            f"{listeners}persistence_location {directory}/\n{user}{self.SETTINGS}")

    @staticmethod
    def program():
        return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

    @staticmethod
    def is_installed():
        return Broker.program() is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.child = Child("mosquitto", self.directory, [self.program(), "-c", str(self.directory / "mosquitto.conf")])
        wait_until(self.answers, "mosquitto answers", RuntimeError)

    def kill(self):
        if self.child is not None:
            self.child.kill()
        self.child = None

    def answers(self):
        self.child.must_run(RuntimeError)
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
