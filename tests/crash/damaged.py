#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The buffer of the real program is damaged, between two starts and while it is in use: it starts, goes on, and tells.

Every case ends with an orderly end, everything acknowledged, no number missing without a gap record within an epoch, and
an event that says what happened. Exit code: 0 held, 1 broken, 77 skipped.
"""
import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from processes import Broker, Child, free_port, wait_until

PAGE = 4096
# A small buffer has a short log, so rows soon lie in the file itself.
FAST = ["--set", "publish.backoff.base=50ms", "--set", "publish.backoff.cap=500ms", "--set", "buffer.max_bytes=1MiB",
        "--set", "buffer.commit_interval=100ms"]


class Failure(Exception):
    """A promise was broken, or something that must happen did not."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    random.seed(options.seed)
    if shutil.which("mosquitto_sub") is None or not Broker.is_installed():
        print("SKIPPED: mosquitto and mosquitto_sub are not installed")
        return 77
    try:
        for case in (pages_damaged_in_use, pages_damaged_after_a_kill, first_page_zeroed_after_a_kill, log_removed_after_a_kill,
                     a_text_in_its_place, directory_removed_in_use):
            with tempfile.TemporaryDirectory(prefix="outrider-damaged-") as directory, \
                    Trial(Path(directory), options.binary) as trial:
                case(trial)
                print(f"{case.__name__}: {trial.judge()}", flush=True)
    except Failure as failure:
        print(f"FAILED (seed {options.seed}, {case.__name__}): {failure}")
        return 1
    return 0


class Trial:
    """One broker, one consumer, and one agent at a time."""

    def __init__(self, directory, binary):
        self.directory = directory
        self.binary = binary
        self.state = directory / "state"
        self.database = self.state / "outrider.db"
        self.broker = Broker(directory, free_port())
        self.recorder = None

    def __enter__(self):
        self.broker.start()
        self.recorder = Child("recorder", self.directory,
                              ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-V", "mqttv5",
                               "-i", "recorder", "-c", "-x", "3600", "-q", "1", "-t", "outrider/+/+", "-F", "%p"])
        return self

    def __exit__(self, *_):
        self.recorder.kill()
        self.broker.kill()

    def agent(self, *more):
        return Child("simulate", self.directory,
                     [self.binary, "simulate", "--broker", self.broker.url, "--state",
                      str(self.state), "--quiet", *FAST, *(more if "--vehicles" in more else ("--vehicles", "20", *more))])

    def fill_and_kill(self):
        """Rows wait, in the file and in its log, when the agent is killed."""
        with self.agent("--outage", "60s@0s") as agent:
            wait_until(lambda: agent.must_run(Failure) and self.pages() > 90, "rows are stored", Failure)
            agent.kill()

    def pages(self):
        return self.database.stat().st_size // PAGE if self.database.exists() else 0

    def overwrite(self, first, count):
        with self.database.open("r+b") as file:
            file.seek(first * PAGE)
            file.write(random.randbytes(count * PAGE))

    def drain(self):
        with self.agent("--seconds", "2", "--drain", "60s") as agent:
            agent.wait(Failure, longest=120)
            self.check_end(agent)

    def check_end(self, agent):
        summary = json.loads(agent.output().splitlines()[-1])
        if summary["waiting"] != 0:
            raise Failure(f"{summary['waiting']} samples still wait: {agent.last_words()}")

    def messages(self):
        for line in self.recorder.output().splitlines():
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict) and "rows" in message:
                yield message

    def judge(self):
        """Numbers of each stream and epoch follow each other, gap records included; one event tells of the damage."""
        wait_until(lambda: any(self.salvage_events()), "an event tells of the damage", Failure)
        last = {}
        counts = {"rows": 0, "gaps": 0, "lost rows": 0, "epochs": set()}
        for message in self.messages():
            stream = (message["vehicle_id"], message["schema"], message["epoch"])
            counts["epochs"].add(message["epoch"])
            for row in message["rows"]:
                through = row.get("through", row["seq"])
                if stream in last and row["seq"] > last[stream] + 1:
                    raise Failure(f"{stream}: {last[stream]} is followed by {row['seq']}")
                last[stream] = max(last.get(stream, 0), through)
                counts["rows"] += 1
                if "through" in row:
                    counts["gaps"] += 1
                    counts["lost rows"] += through - row["seq"] + 1
        event = next(self.salvage_events())
        counts["epochs"] = len(counts["epochs"])
        return f"{counts}, event: saved {event['saved_rows']}, lost {event['lost_rows']}, {event['reason'][:90]}"

    def salvage_events(self):
        return (row for message in self.messages() for row in message["rows"]
                if row.get("event") == "buffer_salvaged")


def pages_damaged_after_a_kill(trial):
    trial.fill_and_kill()
    trial.overwrite(20, 20)
    trial.drain()


def first_page_zeroed_after_a_kill(trial):
    trial.fill_and_kill()
    trial.database.with_name("outrider.db-wal").unlink()  # or it brings the page back
    with trial.database.open("r+b") as file:
        file.write(bytes(PAGE))
    trial.drain()


def log_removed_after_a_kill(trial):
    trial.fill_and_kill()
    trial.database.with_name("outrider.db-wal").unlink()
    trial.drain()


def a_text_in_its_place(trial):
    trial.fill_and_kill()
    trial.database.with_name("outrider.db-wal").unlink()
    trial.database.write_text("this is not a database\n" * 1000)
    trial.drain()


def pages_damaged_in_use(trial):
    """What waits is damaged under the agent; it finds out when the link comes back, and goes on."""
    # More than the page cache of 256 holds, or nothing would be read from the file; reached in time also where a slow machine
    # commits seldom, which makes fewer and larger rows.
    with trial.agent("--vehicles", "100", "--seconds", "20", "--drain", "60s", "--outage", "15s@0s",
                     "--set", "buffer.max_bytes=4MiB") as agent:
        wait_until(lambda: agent.must_run(Failure) and trial.pages() > 320, "rows are stored", Failure)
        trial.overwrite(60, 100)
        agent.wait(Failure, longest=120)
        trial.check_end(agent)


def directory_removed_in_use(trial):
    with trial.agent("--seconds", "6", "--drain", "60s") as agent:
        wait_until(lambda: agent.must_run(Failure) and any(trial.messages()), "rows arrive", Failure)
        shutil.rmtree(trial.state)
        agent.wait(Failure, longest=120)
        trial.check_end(agent)
    if not trial.database.exists():
        raise Failure("the buffer was not made again")


if __name__ == "__main__":
    sys.exit(main())
