#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts on a disk that forgets what was not flushed: what was reported as committed must be there afterwards.

The disk is an ext4 file system on nbdkit, which keeps writes in memory until they are flushed and is killed together
with the process that writes. The same attack on a table that does not wait for flushes must be noticed: else this test
could not fail. Exit code: 0 held, 1 broken, 77 skipped.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import disks
import tools
from processes import Child, wait_until
from scoreboard import Scoreboard


class Failure(Exception):
    """A promise was broken, or something that must happen did not."""


def main():
    options = read_options()
    try:
        tools.must_have((*disks.LOOP_TOOLS, *disks.NBD_TOOLS))
        disks.enter_own_namespace()
        with tempfile.TemporaryDirectory(prefix="outrider-power-cut-") as directory:
            return attack(Path(directory), options)
    except tools.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writer", required=True, help="the program durable_writer")
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--control-cycles", type=int, default=20, help="at most, until the careless table loses a row")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    options.cycles *= int(os.environ.get("OUTRIDER_CRASH_SCALE", "1"))  # tests/run.sh --crash-scale
    return options


def attack(directory, options):
    random.seed(options.seed)
    board = Scoreboard()
    try:
        buffer = Witness(Cycles(directory / "buffer", options.writer, [], options.cycles))
        board.add("power cut", options.cycles, **buffer.counts())
        board.show()
        for complaint in buffer.complaints:
            print(f"BROKEN (seed {options.seed}): {complaint}")
        careless = Witness(Cycles(directory / "careless", options.writer, ["careless"], options.control_cycles))
    except Failure as failure:
        print(f"FAILED (seed {options.seed}): {failure}")
        return 1
    if not careless.lost:
        print(f"FAILED: a table that does not wait for the disk lost nothing in {options.control_cycles} power cuts, "
              "so this disk forgets nothing and this test cannot fail")
        return 1
    print(f"control: without waiting for the disk {len(careless.lost)} committed rows were lost")
    return 0 if board.holds() and not buffer.complaints else 1


class Cycles:
    """Power cuts, one after the other on the same disk; each yields what the writer said and what is there then."""

    def __init__(self, directory, writer, mode, cycles):
        self.directory = directory
        self.writer = writer
        self.mode = mode
        self.cycles = cycles
        self.image = directory / "image"

    def __iter__(self):
        self.directory.mkdir()
        disks.make_image(self.image, 48)
        for _ in range(self.cycles):
            said = self.write_until_power_cut()
            with disks.LoopDisk(self.image, self.directory / "disk") as disk:
                yield said, self.show(disk.mount_point)

    def write_until_power_cut(self):
        with disks.NbdDisk(self.directory, self.image, disks.NbdDisk.FORGETFUL) as disk:
            with Child("writer", self.directory,
                       [self.writer, "write", str(disk.mount_point / "buffer.db"), *self.mode]) as writer:
                wait_until(lambda: writer.must_run(Failure) and "committed" in writer.output(), "a row is committed",
                           Failure)
                time.sleep(random.uniform(0, 0.25))  # any moment of a commit, of a checkpoint
                disk.power_off()
            return [line.split() for line in writer.output().splitlines(keepends=True) if line.endswith("\n")]

    def show(self, mount_point):
        shown = subprocess.run([self.writer, "show", str(mount_point / "buffer.db"), *self.mode],
                               capture_output=True, text=True, check=False)
        if shown.returncode != 0:
            raise Failure(f"the buffer does not open after a power cut: {shown.stderr.strip()}")
        return [line.split() for line in shown.stdout.splitlines()]


class Witness:
    """Everything that was said to be committed, over all cycles, and what was found."""

    def __init__(self, cycles):
        self.contents = {}  # of every row that was ever durable, by number
        self.acknowledged = 0
        self.lost = set()
        self.complaints = []
        self.epoch = None
        for said, shown in cycles:
            self.hear(said)
            self.inspect(shown)
            if self.lost:
                break

    def hear(self, said):
        for word, seq, *content in said:
            if word == "acknowledges":
                self.acknowledged = max(self.acknowledged, int(seq))
            elif self.contents.setdefault(int(seq), content[0]) != content[0]:
                self.complaints.append(f"number {seq} was given to two rows")

    def inspect(self, shown):
        values = {line[0]: line[1] for line in shown if line[0] != "row"}
        found = {int(line[1]): line[2] for line in shown if line[0] == "row"}
        if self.epoch not in (None, values["epoch"]):
            self.complaints.append("a new epoch began though no number could have repeated")
        self.epoch = values["epoch"]
        newest = int(values["newest"])
        first = min(found, default=newest + 1)
        if first > self.acknowledged + 1 or set(found) != set(range(first, newest + 1)):
            self.complaints.append(f"rows are missing between {self.acknowledged + 1} and {newest}")
        for seq, content in found.items():
            if content == "torn" or self.contents.setdefault(seq, content) != content:
                self.complaints.append(f"row {seq} is not what was stored")
        self.lost |= {seq for seq in self.contents if seq > newest}

    def counts(self):
        return {"rows_in": len(self.contents), "delivered": len(self.contents) - len(self.lost), "reported_lost": 0,
                "unreported_lost": len(self.lost), "out_of_order": 0, "repeats": 0}


if __name__ == "__main__":
    sys.exit(main())
