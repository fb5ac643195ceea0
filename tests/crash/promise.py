#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The promise, end to end: the broker and the agent are killed again and again while simulated vehicles drive.

At the end `outrider verify` must have seen every number once and in order, and every row that was committed when an
agent was killed must have arrived, with the same content. Exit code: 0 held, 1 broken, 77 skipped.
"""
import argparse
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from processes import Broker, Child, free_port, wait_until
from scoreboard import Scoreboard

FAST_RECONNECT = ["--set", "publish.backoff.base=50ms", "--set", "publish.backoff.cap=500ms"]
VEHICLES = 3
CHANNELS = ("telemetry", "events")  # by the number in the table of streams
SEQUENCE_BITS = 48                  # of a row's id; the rest is its stream
LAYOUT_FREE = ("seq", "time", "clock")  # what a message adds to a stored row
STORED_AS_IN_MESSAGE = (1, 3)       # formats whose payload is the rest of the row's object


class Failure(Exception):
    """A promise was broken, or something that must happen did not."""


def main():
    options = read_options()
    if shutil.which("mosquitto_sub") is None or not Broker.is_installed():
        print("SKIPPED: mosquitto and mosquitto_sub are not installed")
        return 77
    random.seed(options.seed)
    check_that_a_loss_is_noticed()
    with tempfile.TemporaryDirectory(prefix="outrider-promise-") as directory:
        try:
            Trial(Path(directory), options).run()
        except Failure as failure:
            print(f"FAILED (seed {options.seed}): {failure}")
            return 1
    return 0


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    parser.add_argument("--broker-kills", type=int, default=10)
    parser.add_argument("--agent-kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    scale = int(os.environ.get("OUTRIDER_CRASH_SCALE", "1"))  # tests/run.sh --crash-scale
    options.broker_kills *= scale
    options.agent_kills *= scale
    return options


class Trial:
    """One broker, two consumers, and one agent at a time, all in one directory."""

    def __init__(self, directory, options):
        self.directory = directory
        self.options = options
        self.state = directory / "state"
        self.broker = Broker(directory, free_port())
        self.verifier = None
        self.recorder = None
        self.committed = {}

    def run(self):
        with self.broker:
            self.broker.start()
            self.verifier = self.start_verifier()
            self.recorder = self.start_recorder()
            with self.verifier, self.recorder:
                wait_until(self.is_subscribed, "the verifier subscribes", Failure)
                self.kill_broker_again_and_again()
                self.kill_agent_again_and_again()
                self.drain()
                self.judge()

    def start_verifier(self):
        return Child("verify", self.directory,
                     [self.options.binary, "verify", "--broker", self.broker.url, "--quiet"])

    def start_recorder(self):
        """A second consumer that is not ours keeps what came, a message a line."""
        return Child("recorder", self.directory,
                     ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-V", "mqttv5", "-i", "recorder",
                      "-c", "-x", "3600", "-q", "1", "-t", "outrider/#", "-F", "%p"])

    def start_agent(self, *more):
        return Child("simulate", self.directory,
                     [self.options.binary, "simulate", "--vehicles", str(VEHICLES), "--broker", self.broker.url,
                      "--state", str(self.state), "--quiet", *FAST_RECONNECT, *more])

    def subscriptions(self):
        return self.verifier.errors().count("subscribed to")

    def is_subscribed(self):
        self.verifier.must_run(Failure)
        return self.subscriptions() > 0

    def kill_broker_again_and_again(self):
        with self.start_agent() as agent:
            for kill in range(self.options.broker_kills):
                self.wait_for_traffic(agent)
                time.sleep(random.uniform(0, 1.5))  # any moment of a commit, of a batch, of a burst
                before = self.subscriptions()
                self.broker.kill()
                time.sleep(random.uniform(0, 1.5))  # a backlog of any size
                self.broker.start()
                wait_until(lambda: self.subscriptions() > before, "the verifier subscribes again", Failure)
                print(f"broker killed {kill + 1} times", flush=True)
            self.wait_for_traffic(agent)
            agent.terminate(Failure)

    def wait_for_traffic(self, agent):
        """Until the agent and the recorder are both connected: something new was recorded."""
        before = self.recorder.output_size()

        def has_grown():
            agent.must_run(Failure)
            return self.recorder.output_size() > before

        wait_until(has_grown, "rows arrive", Failure)

    def kill_agent_again_and_again(self):
        for kill in range(self.options.agent_kills):
            # Every other one drives in a tunnel, so that rows of several lives wait in the buffer.
            tunnel = ["--outage", "60s@0s"] if kill % 2 else []
            with self.start_agent(*tunnel) as agent:
                stored = self.stored_state()
                wait_until(lambda: agent.must_run(Failure) and self.stored_state() != stored, "a row is stored", Failure)
                time.sleep(random.uniform(0.2, 2.0))
                agent.kill()
            waiting = self.waiting_rows()
            self.committed.update(waiting)
            print(f"agent killed {kill + 1} times, {len(waiting)} rows waited", flush=True)

    def stored_state(self):
        """Changes with every commit; sizes alone do not, for the log has its full length from the beginning."""
        files = [path.stat() for path in sorted(self.state.glob("outrider.db*"))]
        return [(file.st_size, file.st_mtime_ns) for file in files]

    def waiting_rows(self):
        """(vehicle, channel, seq) → content of what the killed agent had committed, read from a copy."""
        with tempfile.TemporaryDirectory(dir=self.directory) as copy:
            for path in self.state.glob("outrider.db*"):
                shutil.copy(path, copy)
            with closing(sqlite3.connect(Path(copy, "outrider.db"))) as database:
                streams = {stream: (vehicle, CHANNELS[channel]) for stream, vehicle, channel
                           in database.execute("SELECT id, vehicle_id, channel FROM stream")}
                rows = database.execute("SELECT id, format, payload FROM row").fetchall()
        return {
            (*streams[key >> SEQUENCE_BITS], key & ((1 << SEQUENCE_BITS) - 1)): json.loads(b"{" + payload + b"}")
            for key, form, payload in rows if form in STORED_AS_IN_MESSAGE
        }

    def drain(self):
        with self.start_agent("--seconds", "2", "--drain", "60s") as agent:
            agent.wait(Failure, longest=120)
            summary = json.loads(agent.output().splitlines()[-1])
        if summary["waiting"] != 0:
            raise Failure(f"{summary['waiting']} samples still wait after a minute with a broker that answers")

    def judge(self):
        wanted = dict(self.committed)
        # The broker has acknowledged everything; the consumers may have some of it still before them.
        wait_until(lambda: not undelivered(wanted, self.recorded_rows()),
                   lambda: describe(undelivered(wanted, self.recorded_rows())), Failure)
        time.sleep(1)
        code = self.verifier.end()
        report = json.loads(self.verifier.output())
        board = Scoreboard()
        board.add("kill -9 of broker and agent", self.options.broker_kills + self.options.agent_kills,
                  rows_in=report["rows"] + report["missing"], delivered=report["rows"],
                  reported_lost=report["reported_lost"], unreported_lost=report["missing"],
                  out_of_order=report["out_of_order"], repeats=report["repeats"])
        board.show()
        print(json.dumps(report))
        print(f"{len(wanted)} rows were waiting at a kill, and all arrived")
        if code != 0 or any(report[name] for name in ("out_of_order", "gaps", "conflicts", "broken")):
            raise Failure(f"verify says no ({code}): {self.verifier.last_words()}")
        if report["epochs"] != report["streams"]:
            raise Failure("a buffer began a new life, though none of its numbers could have repeated")

    def recorded_rows(self):
        return dict(rows_of(self.recorder.output().splitlines()))


def rows_of(lines):
    """Rows of the messages; a line that is not complete yet, and documents without rows, have none."""
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        schema = message.get("schema") if isinstance(message, dict) else None
        channel = {"outrider/telemetry/1": "telemetry", "outrider/event/1": "events"}.get(schema)
        for row in message["rows"] if channel else ():
            content = {name: value for name, value in row.items() if name not in LAYOUT_FREE}
            yield (message["vehicle_id"], channel, row["seq"]), content


def undelivered(committed, delivered):
    """Rows that did not arrive, or arrived as something else."""
    return [key for key, content in committed.items() if delivered.get(key) != content]


def describe(missing):
    return f"{len(missing)} committed rows did not arrive as they were stored, the first is {missing[:1]}"


def check_that_a_loss_is_noticed():
    row = {"signals": {"speed": {"t": [0], "v": [1.5]}}}
    key = ("v", "telemetry", 7)
    line = json.dumps({"schema": "outrider/telemetry/1", "vehicle_id": "v", "epoch": "1-a",
                       "rows": [{"seq": 7, "time": "", "clock": "synced", **row}]})
    arrived = dict(rows_of([line, line[:20]]))
    if undelivered({key: row}, arrived) or not undelivered({key: row}, {}) or \
            not undelivered({key: {"signals": {}}}, arrived):
        raise AssertionError("this test cannot tell a loss from a delivery")


if __name__ == "__main__":
    sys.exit(main())
