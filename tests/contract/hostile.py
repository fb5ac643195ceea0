#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real agent against brokers that misbehave: what it was given must have arrived, or be reported as lost.

    hostile.py --binary OUTRIDER [ATTACK…]      a line per attack; exit code 0 held, 1 broken, 77 skipped

The judge is what the broker wrote down, and the number of the next row in the agent's buffer.
"""
import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from processes import Child, wait_until

BROKER = Path(__file__).with_name("hostile_broker.js")
MODULES = "/usr/share/nodejs"  # where Debian's node-mqtt-packet is, for any node
CHANNELS = ("telemetry", "events")
VEHICLES = 2
AT_ONCE = 3
BACKLOG = "2s@0s"  # so that messages have many rows, and several are in flight
SETTINGS = ["buffer.commit_interval=50ms", "publish.ack_timeout=1s", "publish.connect_timeout=1s",
            "publish.backoff.base=10ms", "publish.backoff.cap=300ms", "publish.max_message=8KiB"]


class Failure(Exception):
    """The agent did what it must not, or the test could not see what it did."""


@dataclass(frozen=True)
class Attack:
    name: str
    lost: str = "none"          # what may be reported as lost: none, a row of each vehicle ("one"), or "some"
    may_overtake: bool = False  # what was in flight behind a refused message is taken before it
    settings: tuple = ()
    least_rows: int = 100       # so that the verdict says something
    says: str = ""              # what the agent must have said about it


ATTACKS = [
    Attack("none"),
    Attack("lost acknowledgements"),
    Attack("acknowledgements backwards"),
    Attack("acknowledgements twice"),
    Attack("slow acknowledgements"),
    Attack("Receive Maximum 1"),
    Attack("Maximum QoS 0", says="it takes QoS 0 only (Maximum QoS in its CONNACK)"),
    Attack("Retain Available 0"),
    # Rows so seldom that there is silence between them; the broker counts the pings in it.
    Attack("Server Keep Alive 1", settings=("buffer.commit_interval=2500ms",), least_rows=4),
    Attack("quota exceeded"),
    Attack("topic not authorized for 4 s", lost="one"),
    Attack("payload invalid", lost="one", may_overtake=True),
    Attack("unspecified error", lost="one", may_overtake=True),
    Attack("Maximum Packet Size", lost="some"),
    Attack("packet too large", lost="some", may_overtake=True),
    Attack("poison", lost="one", settings=("publish.mqtt=3.1.1",)),
    Attack("CONNACK, then the end"),
    Attack("no answer to CONNECT"),
    Attack("garbage for CONNACK"),
    Attack("garbage behind CONNACK"),
    Attack("a packet of 256 MB"),
    Attack("another client of that name"),
]


class Seen:
    """What a consumer behind the broker has."""

    def __init__(self, lines):
        self.rows = {}  # (stream, seq) → samples
        self.lost = {}  # (stream, seq of a lost row) → None
        self.samples = self.lost_samples = self.out_of_order = self.repeats = 0
        self.notes = {}
        newest = {}
        for line in lines:
            if "seq" not in line:
                self.notes.update(line)
                continue
            self.take(line, newest)

    def take(self, row, newest):
        stream = row["stream"]
        known = self.lost if row["lost"] else self.rows
        if (stream, row["seq"]) in known:
            self.repeats += 1
            return
        if row["seq"] < newest.get(stream, 0):
            self.out_of_order += 1
        newest[stream] = max(newest.get(stream, 0), row["through"])
        for seq in range(row["seq"], row["through"] + 1):
            known[stream, seq] = row["samples"]
        if row["lost"]:
            self.lost_samples += row["samples"]
        else:
            self.samples += row["samples"]
        self.lost_samples += row["reported"]


@dataclass(frozen=True)
class Verdict:
    attack: str
    misbehaved: int
    rows: int
    delivered: int
    lost: int
    unreported: int
    out_of_order: int
    repeats: int
    problems: tuple

    TITLES = ("attack", "times", "rows in", "delivered", "lost, reported", "lost, unreported", "out of order", "repeats")

    def cells(self):
        return (self.attack, self.misbehaved, self.rows, self.delivered, self.lost, self.unreported, self.out_of_order,
                self.repeats)


def main():
    options = read_options()
    reason = missing()
    if reason:
        print(f"SKIPPED: {reason}")
        return 77
    check_that_a_loss_is_noticed()
    chosen = [attack for attack in ATTACKS if not options.attacks or attack.name in options.attacks]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(pool.map(lambda attack: withstand(attack, options), chosen))
    print_table(verdicts)
    problems = [f"{verdict.attack}: {problem}" for verdict in verdicts for problem in verdict.problems]
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems or not verdicts else 0


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    parser.add_argument("--seconds", type=float, default=5, help="of driving for each attack")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK")
    return parser.parse_args()


def missing():
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        return "nodejs is not installed"
    found = subprocess.run([node, "-e", "require('mqtt-packet')"], env=environment(), capture_output=True, check=False)
    return None if found.returncode == 0 else "node-mqtt-packet is not installed"


def environment():
    return {**os.environ, "NODE_PATH": MODULES}


def withstand(attack, options):
    with tempfile.TemporaryDirectory(prefix="outrider-hostile-") as directory:
        try:
            summary, seen, next_numbers, said = run(attack, options, Path(directory))
        except Failure as failure:
            return Verdict(attack.name, 0, 0, 0, 0, 0, 0, 0, (str(failure),))
    verdict = judge(attack, summary, seen, next_numbers)
    if attack.says not in said:
        return replace(verdict, problems=(*verdict.problems, f"the agent did not say {attack.says!r}"))
    return verdict


def run(attack, options, directory):
    with HostileBroker(directory, attack.name) as broker:
        command = [options.binary, "simulate", "--vehicles", str(VEHICLES), "--seconds", str(options.seconds), "--drain",
                   "60s", "--quiet", "--outage", BACKLOG, "--broker", f"mqtt://127.0.0.1:{broker.port()}", "--state", str(directory / "state")]
        for setting in (*SETTINGS, *attack.settings):
            command += ["--set", setting]
        with Child("simulate", directory, command) as agent:
            agent.wait(Failure, longest=120)
            summary, said = json.loads(agent.output().splitlines()[-1]), agent.errors()
        return summary, Seen(broker.lines_to_the_end()), next_numbers(directory / "state" / "outrider.db"), said


class HostileBroker:
    def __init__(self, directory, attack):
        self.out = directory / "broker.out"
        node = shutil.which("node") or shutil.which("nodejs")
        with self.out.open("wb") as out:
            self.process = subprocess.Popen([node, str(BROKER), attack], stdin=subprocess.PIPE, stdout=out,
                                            env=environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()  # also when it has ended; and it ends by itself when we die: its input is at its end
        self.process.wait()
        self.process.stdin.close()

    def lines(self):
        return [json.loads(line) for line in self.out.read_text().split("\n")[:-1]]

    def port(self):
        wait_until(lambda: self.lines(), "the broker has a port", Failure)
        return self.lines()[0]["port"]

    def lines_to_the_end(self):
        self.process.stdin.close()
        self.process.wait(30)
        return self.lines()


def next_numbers(database):
    with closing(sqlite3.connect(database)) as opened:
        return {f"{vehicle}/{CHANNELS[channel]}": next_seq for vehicle, channel, next_seq
                in opened.execute("SELECT vehicle_id, channel, next_seq FROM stream")}


def judge(attack, summary, seen, next_numbers):
    numbers = [(stream, seq) for stream, after in next_numbers.items() for seq in range(1, after)]
    unreported = [key for key in numbers if key not in seen.rows and key not in seen.lost]
    lost_rows = len(set(seen.lost) - set(seen.rows))
    misbehaved = seen.notes.get("misbehaved", 0)
    wanted = {"none": lost_rows == 0, "one": lost_rows == VEHICLES, "some": 0 < lost_rows < len(numbers)}
    checks = {
        f"{len(unreported)} rows neither arrived nor have a gap record: {unreported[:3]}": not unreported,
        "too few rows were made to say anything": len(numbers) >= attack.least_rows,
        "the broker did not misbehave": misbehaved > 0 or attack.name in ("none", "Maximum Packet Size"),
        f"{summary['waiting']} samples still wait": summary["waiting"] == 0,
        f"{lost_rows} rows were given up, of {attack.lost} it may be": wanted[attack.lost],
        f"the agent says that it lost {summary['lost']} samples, the rows say {seen.lost_samples}":
            summary["lost"] == seen.lost_samples,
        f"sampled {summary['sampled']} is not delivered {seen.samples} and lost {seen.lost_samples}":
            summary["sampled"] == seen.samples + seen.lost_samples,
        f"{seen.out_of_order} rows came out of order": seen.out_of_order == 0 or attack.may_overtake,
        f"the broker could not read a packet: {seen.notes.get('broken')}": "broken" not in seen.notes,
    }
    return Verdict(attack.name, misbehaved, len(numbers), len(seen.rows), lost_rows, len(unreported), seen.out_of_order,
                   seen.repeats, tuple(problem for problem, holds in checks.items() if not holds))


def print_table(verdicts):
    lines = [Verdict.TITLES] + [tuple(map(str, verdict.cells())) for verdict in verdicts]
    widths = [max(len(line[column]) for line in lines) for column in range(len(Verdict.TITLES))]
    for line in lines:
        print(line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:])), sep="  ")


def check_that_a_loss_is_noticed():
    def row(seq, **more):
        return {"stream": "v/telemetry", "seq": seq, "through": seq, "samples": 1, "lost": False, "reported": 0, **more}

    summary = {"waiting": 0, "lost": 0, "sampled": 200}
    rows = [row(seq) for seq in range(1, 201)]

    def problems(lines, attack=ATTACKS[0], **changed):
        return judge(attack, {**summary, **changed}, Seen(lines), {"v/telemetry": 201}).problems

    swapped = rows[:10] + [rows[11], rows[10]] + rows[12:]
    if problems(rows) or not problems(rows[:-1], sampled=199) or not problems(swapped) or not problems(rows, waiting=1) \
            or not problems(rows, sampled=201) or not problems([*rows[:-1], row(200, lost=True)]):
        raise AssertionError("this test cannot tell a loss from a delivery")


if __name__ == "__main__":
    sys.exit(main())
