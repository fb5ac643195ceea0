#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk is full, write-protected or failing for a while, under a running agent or when it starts, and then works again.

Sampling goes on, writing resumes by itself, what did not fit is reported in the stream, the log is not flooded and the
processor is not kept busy. Exit code: 0 held, 1 broken, 77 skipped.
"""
import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import disks
import tools
from journey import Journey
from processes import Broker, Child, wait_until
from scoreboard import Scoreboard

VEHICLES = 80
# Little memory for what cannot be written, so that some seconds without a disk are more than it holds.
LITTLE_MEMORY = "buffer.max_staged_bytes=64KiB"
MUCH_MEMORY = "buffer.max_staged_bytes=16MiB"  # for what waits where this machine is slow
SETTINGS = ("buffer.min_free_disk=0KiB",)
LONGEST_LOG = 40       # lines in one fault; a topic may have five in ten seconds
BUSY_FACTOR, BUSY_SECONDS = 4, 1.0  # how much more processor time than without a fault is still no busy loop


class Failure(Exception):
    """A promise was broken, or something that must happen did not."""


def main():
    options = read_options()
    board = Scoreboard()
    try:
        tools.must_have((*disks.LOOP_TOOLS, "chattr", "strace", "mosquitto_sub"))
        if not Broker.is_installed():
            raise tools.Unavailable("mosquitto is not installed")
        disks.enter_own_namespace()
        names = [options.attack] if options.attack else [*ATTACKS, *STARTS]
        with ThreadPoolExecutor(len(names)) as at_once:  # they mostly wait
            kept = list(at_once.map(lambda name: attack(name, options, board), names))
    except tools.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77
    board.show()
    return 0 if board.holds() and all(kept) else 1


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    parser.add_argument("--attack", choices=[*ATTACKS, *STARTS], help="only this one")
    parser.add_argument("--seconds", type=float, default=4, help="how long each fault lasts")
    options = parser.parse_args()
    options.seconds *= int(os.environ.get("OUTRIDER_CRASH_SCALE", "1"))  # tests/run.sh --crash-scale
    return options


def attack(name, options, board):
    """True when every promise was kept."""
    with tempfile.TemporaryDirectory(prefix="outrider-disk-faults-") as directory:
        disks.make_image(Path(directory, "image"), 16)
        with disks.LoopDisk(Path(directory, "image"), Path(directory, "disk")) as disk:
            try:
                with Journey(options.binary, directory, disk.mount_point / "state", Failure, vehicles=VEHICLES,
                             settings=(*SETTINGS, memory_of(name), f"status.socket={directory}/socket")) as journey:
                    if name in ATTACKS:
                        Attack(name, journey, disk, options.seconds).run(*ATTACKS[name], board)
                    else:
                        Start(name, journey, disk, options.seconds).run(*STARTS[name], board)
            except Failure as failure:
                print(f"BROKEN: {name}: {failure}", flush=True)
                return False
    return True


def memory_of(name):
    return MUCH_MEMORY if name in STARTS and STARTS[name][2] else LITTLE_MEMORY


class Attack:
    """One fault in the middle of one journey."""

    def __init__(self, name, journey, disk, seconds):
        self.name = name
        self.journey = journey
        self.disk = disk
        self.seconds = seconds

    def run(self, fault, has_link, is_felt, board):
        journey = self.journey
        journey.start()
        journey.wait_for_rows()
        usual = self.processor_time(self.seconds)
        if not has_link:
            journey.broker.kill()
        lines = len(journey.agent.errors().splitlines())
        with fault(self):
            busy = self.processor_time(self.seconds)
        journey.agent.must_run(Failure)
        before = self.disk_state()
        wait_until(lambda: journey.agent.must_run(Failure) and self.disk_state() != before, "writing resumes by itself",
                   Failure)
        if not has_link:
            journey.broker.start()
        journey.wait_for_rows()
        log = journey.agent.errors().splitlines()[lines:]
        self.check_quiet(log, usual, busy)
        journey.stop()
        journey.drain()
        report = journey.judge(board, self.name, 1)
        if is_felt and report["reported_lost"] == 0:
            raise Failure("nothing was lost, so this fault was too short to be one")

    def processor_time(self, seconds):
        before = self.journey.cpu_seconds()
        time.sleep(seconds)  # the length of the fault
        self.journey.agent.must_run(Failure)
        return self.journey.cpu_seconds() - before

    def disk_state(self):
        return [(path.name, path.stat().st_mtime_ns) for path in sorted(self.journey.state.glob("outrider.db*"))]

    def check_log_length(self, log):
        if len(log) > LONGEST_LOG:
            raise Failure(f"{len(log)} lines in the log, the last: {log[-1]}")

    def check_quiet(self, log, usual, busy):
        self.check_log_length(log)
        if busy > usual * BUSY_FACTOR + BUSY_SECONDS:
            raise Failure(f"{busy:.1f} s of processor time during the fault, {usual:.1f} s without")


class Start(Attack):
    """The agent starts while no buffer can be made, or the one that is there cannot be written."""

    def run(self, fault, has_buffer, has_link, board):
        journey = self.journey
        if has_buffer:
            journey.start()
            journey.wait_for_rows()
            journey.stop()
        if not has_link:
            journey.broker.kill()
        with fault(self):
            journey.start()
            self.wait_for_words("wait in memory")
            if has_link:
                journey.wait_for_rows()  # from memory
            self.check_complaint()
            time.sleep(self.seconds)  # the length of the fault
            if not has_buffer and self.disk_state():
                raise Failure("there is a buffer, so this disk was not full")
            before = self.disk_state()
        self.wait_for_words("the buffer is on the disk now")
        wait_until(lambda: journey.agent.must_run(Failure) and self.disk_state() != before, "it is written", Failure)
        if not has_link:
            journey.broker.start()
        journey.wait_for_rows()
        self.check_log_length(journey.agent.errors().splitlines())
        self.check_healthy()
        journey.stop()
        journey.drain()
        report = journey.judge(board, self.name, 1, epochs=2 if has_link else 1)  # one of them nobody has seen
        if (report["reported_lost"] > 0) == has_link:
            raise Failure(f"{report['reported_lost']} samples were lost, where memory was "
                          f"{'enough' if has_link else 'to be too small'}")

    def wait_for_words(self, words):
        agent = self.journey.agent
        wait_until(lambda: agent.must_run(Failure) and words in agent.errors(), f"the log says: {words}", Failure)

    def ask(self, *options):
        config = ("--set", f"status.socket={self.journey.directory}/socket")
        asked = subprocess.run([self.journey.binary, "status", *config, *options], capture_output=True, text=True,
                               timeout=60, check=False)
        return asked.returncode, asked.stdout + asked.stderr

    def check_complaint(self):
        code, text = self.ask("--healthy")
        if code != 1 or "there is no buffer on the disk, only memory: cannot" not in text:
            raise Failure(f"status --healthy: {code}, {text}")
        code, text = self.ask()
        if code != 0 or "NO BUFFER ON THE DISK: cannot" not in text:
            raise Failure(f"status: {code}, {text}")

    def check_healthy(self):
        wait_until(lambda: self.ask("--healthy")[0] == 0, "the agent calls itself healthy", Failure)


@contextlib.contextmanager
def full_disk(attack):
    """Somebody else takes all the room, to the last byte."""
    ballast = attack.disk.mount_point / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 16, 1 << 10, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    yield
    ballast.unlink()


@contextlib.contextmanager
def write_protected(attack):
    """What a read-only file system is to a program that has its files open."""
    files = [str(path) for path in attack.journey.state.glob("outrider.db*")]
    tools.run("chattr", "+i", *files)
    try:
        yield
    finally:
        tools.run("chattr", "-i", *files)


@contextlib.contextmanager
def read_only(attack):
    """As Linux mounts a file system that it found damaged."""
    attack.disk.remount("ro")
    yield
    attack.disk.remount("rw")


def failing_calls(calls):
    """These system calls of the agent fail, as if the device did."""
    @contextlib.contextmanager
    def fault(attack):
        with Child("strace", attack.journey.directory,
                   [tools.find("strace"), "-f", "-p", str(attack.journey.agent.process.pid), "-e", f"trace={calls}",
                    "-e", f"inject={calls}:error=EIO"]) as tracer:
            wait_until(lambda: tracer.must_run(tools.Unavailable) and "attached" in tracer.errors(), "strace attaches",
                       tools.Unavailable)
            yield
            if "INJECTED" not in tracer.errors():
                raise Failure("no system call failed, so this attack was none")
            tracer.process.terminate()
            tracer.process.wait()
    return fault


# Fault, whether the agent is connected meanwhile, and whether it costs samples: with a link, delivered rows make room for
# new ones on a full disk.
ATTACKS = {
    "disk full, link up": (full_disk, True, False),
    "disk full, link down": (full_disk, False, True),
    "write-protected": (write_protected, True, True),
    "EIO at sync": (failing_calls("fsync,fdatasync"), True, True),
    "EIO at write": (failing_calls("pwrite64"), True, True),
}

# Fault, whether there is a buffer already, and whether the agent is connected meanwhile: if not, memory is too small.
STARTS = {
    "starts on a full disk, link up": (full_disk, False, True),
    "starts on a full disk, link down": (full_disk, False, False),
    "starts on a read-only disk": (read_only, False, True),
    "starts with a buffer on a read-only disk": (read_only, True, True),
}


if __name__ == "__main__":
    sys.exit(main())
