#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The wall clock of the running agent is wrong and steps: times come out right, order holds, and the link stays.

The clock is moved by libfaketime, which leaves the time since boot alone. Exit code: 0 held, 1 broken, 77 skipped.
"""
import argparse
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import tools
from journey import Journey
from processes import Broker, wait_until
from scoreboard import Scoreboard

RIGHT = "+0"
# Seconds that a time may be off: a row's age when it arrives here, on a machine that is busy.
TOLERANCE = 120
# No kernel tells a test that its faked clock is synchronised.
SETTINGS = ("clock.trust_system_time=true", "buffer.max_age=1h")


class Failure(Exception):
    """A promise was broken, or something that must happen did not."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = parser.parse_args().binary
    board = Scoreboard()
    broken = 0
    try:
        tools.must_have(("mosquitto_sub",))
        if not Broker.is_installed():
            raise tools.Unavailable("mosquitto is not installed")
        library = fake_time_library()
        for attack in (late_clock, stepping_clock):
            with tempfile.TemporaryDirectory(prefix="outrider-clock-") as directory:
                broken += not run(attack, binary, Path(directory), library, board)
    except tools.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77
    board.show()
    return 0 if board.holds() and not broken else 1


def fake_time_library():
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise tools.Unavailable("faketime is not installed")
    return found[0]


def run(attack, binary, directory, library, board):
    wall = WallClock(directory / "wall")
    try:
        with Journey(binary, directory, directory / "state", Failure, settings=SETTINGS,
                     agent_command=["env", *wall.environment(library)]) as journey:
            attack(journey, wall, board)
    except Failure as failure:
        print(f"BROKEN: {failure}", flush=True)
        return False
    return True


class WallClock:
    """What the agent takes for the date."""

    def __init__(self, path):
        self.path = path

    def set(self, offset):
        self.path.write_text(f"{offset}\n")

    def environment(self, library):
        return [f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={self.path}", "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", "ASAN_OPTIONS=verify_asan_link_order=0"]


def late_clock(journey, wall, board):
    """1970 at the start, in a tunnel; then the date arrives, and then the link."""
    wall.set("-56y")
    journey.start("--outage", "5s@0s")
    time.sleep(2)  # of driving without a date
    wall.set(RIGHT)
    journey.wait_for_rows()
    time.sleep(1)
    journey.stop()
    wall.set(RIGHT)
    journey.drain()
    wait_until(journey.rows, "the recorder has rows", Failure)
    for vehicle, rows in journey.rows().items():
        clocks = [row["clock"] for row in rows if "clock" in row]
        if clocks[0] != "corrected" or clocks[-1] != "synced" or "estimated" in clocks:
            raise Failure(f"late clock: the rows of {vehicle} say {sorted(set(clocks))}, the first {clocks[0]}, "
                          f"the last {clocks[-1]}; first corrected and then synced would be right")
        check_times(vehicle, rows)
    journey.judge(board, "1970, then the date", 1)


def check_times(vehicle, rows):
    times = [datetime.strptime(row["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc) for row in rows]
    off = [moment for moment in times if abs((datetime.now(timezone.utc) - moment).total_seconds()) > TOLERANCE]
    if off:
        raise Failure(f"late clock: {len(off)} of {len(times)} rows of {vehicle} have a wrong time, such as {off[0]}")
    if times != sorted(times):
        raise Failure(f"late clock: the times of {vehicle} go back")


def stepping_clock(journey, wall, board):
    """An hour back, a day forward, thirty years back, and right again, with the link up."""
    steps = ("-1h", "+1d", "-30y", RIGHT)
    wall.set(RIGHT)
    journey.start()
    for step in steps:
        journey.wait_for_rows()
        wall.set(step)
        time.sleep(1.5)  # with this date
    journey.wait_for_rows()
    summary = journey.stop()
    if summary["connects"] != 1 or summary["link_losses"] != 0:
        raise Failure(f"stepping clock: connected {summary['connects']} times, lost the link {summary['link_losses']} times")
    journey.drain()
    report = journey.judge(board, "clock steps", len(steps))
    if report["reported_lost"]:
        raise Failure(f"stepping clock: {report['reported_lost']} samples were given up because the date jumped")


if __name__ == "__main__":
    sys.exit(main())
