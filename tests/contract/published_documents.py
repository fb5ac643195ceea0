#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent really publishes, in each layout, MQTT version and model, against our JSON Schemas and a validator
that is not ours, through a broker and a subscriber that are not ours either.

Simulated agents are killed while they drive, so that their last wills come, and go on in a tunnel, so that rows share
messages. Logs are replayed, one with stamps of no day, so that invalid values and estimated times are published.
Exit code: 0 all is as the schemas say, 1 something is not, 77 skipped.
"""
import argparse
import json
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
import vehicle_log
from document_judge import Judge, Message, Promise
from processes import Broker, Child, free_port, wait_until

VEHICLE = frozenset(("latitude", "longitude", "engine_rpm", "engine_temp", "fuel_level", "odometer_km", "speed",
                     "deceleration"))
MACHINE = frozenset(("spindle_speed", "motor_current", "vibration", "bearing_temperature", "coolant_flow",
                     "cycle_count", "machine_state"))
SIMULATED = {  # model → configuration, topic, vehicles, names
    "vehicle": ("simulator.json", "outrider/{vehicle_id}/{channel}", 2, VEHICLE),
    "machine": ("factory.json", "plant/line-3/{vehicle_id}/{channel}", 1, MACHINE),
}
REPLAY = ("vehicle.json", "outrider/{vehicle_id}/{channel}", 1, VEHICLE)
REPLAYED = {"log": 1745600961.335462, "undated-log": 12.5}  # model → first stamp of the log
CLOCKS = {"log": frozenset(("synced",)), "undated-log": frozenset(("estimated",))}
ANY_CLOCK = frozenset(("synced", "corrected", "estimated"))
FAST = ["--quiet", "--set", "buffer.commit_interval=100ms", "--set", "publish.backoff.base=50ms",
        "--set", "publish.backoff.cap=500ms"]
AT_ONCE = 4  # agents that drive at the same time
PROBE = "probe"
MOST_COMPLAINTS = 40
SKIPPED = 77


def in_last_row(**members):
    return lambda document: document["rows"][-1].update(members)


def in_last_record(**members):
    return lambda document: document[-1].update(members)


def in_last_first_record(**members):
    """In part 0 of the last row, the only object that may name a catalogue."""
    return lambda document: [record for record in document if record.get("part") == 0][-1].update(members)


YESTERDAY = "2001-02-03T04:05:06.789Z"
BREAKS = [  # what, channel, only in this layout, is it the schema that must refuse it, change
    ("a message that is cut off", "telemetry", None, True, None),
    ("a row without its number", "telemetry", "columns", True, lambda document: document["rows"][-1].pop("seq")),
    ("a value that is none", "telemetry", "columns", True, in_last_row(signals={"speed": {"t": [0], "v": [None]}})),
    ("a time without its zone", "telemetry", "columns", True, in_last_row(time=YESTERDAY[:-1])),
    ("a member that nobody described", "telemetry", "columns", True, in_last_row(more=1)),
    ("another vehicle's rows", "telemetry", "columns", False, lambda document: document.update(vehicle_id="other")),
    ("a number twice", "telemetry", "columns", False, in_last_row(seq=1)),
    ("a number left out", "telemetry", "columns", False, in_last_row(seq=1000000)),
    ("a time of another day", "telemetry", "columns", False, in_last_row(time=YESTERDAY)),
    ("more times than values", "telemetry", "columns", False, in_last_row(signals={"speed": {"t": [0, 1], "v": [1]}})),
    ("a name of no catalogue", "telemetry", "columns", False, in_last_row(signals={"spee": {"t": [0], "v": [1]}})),
    ("a catalogue of nobody", "telemetry", "columns", False, in_last_row(catalogue="0" * 16)),
    ("a record without its number", "telemetry", "records", True, lambda document: document[-1].pop("seq")),
    ("a record without its part", "telemetry", "records", True, lambda document: document[-1].pop("part")),
    ("losses in a later part", "telemetry", "records", True, in_last_record(part=1, lost={"can0.overrun": 1})),
    ("a part twice", "telemetry", "records", False, lambda document: document.append(document[-1])),
    ("a text for a value", "telemetry", "records", True, in_last_record(speed="fast")),
    ("another vehicle's record", "telemetry", "records", False, in_last_record(vehicle_id="other")),
    ("a record's number left out", "telemetry", "records", False, in_last_record(seq=1000000)),
    ("a record of another day", "telemetry", "records", False, in_last_record(event_timestamp=YESTERDAY)),
    ("a record's catalogue of nobody", "telemetry", "records", False, in_last_first_record(catalogue="0" * 16)),
    ("an event of no kind", "events", None, True, lambda document: document["rows"][-1].pop("event")),
    ("an event of another day", "events", None, False, in_last_row(time=YESTERDAY)),
    ("a status without its epoch", "status", None, True, lambda document: document.pop("epoch")),
    ("a status with another catalogue", "status", None, False, lambda document: document.update(catalogue="0" * 16)),
    ("a status of another layout", "status", "records", False, lambda document: document.update(layout="columns")),
]


class Failure(Exception):
    """Something that must happen did not."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = parser.parse_args().binary
    if shutil.which("mosquitto_sub") is None or not Broker.is_installed():
        print("SKIPPED: mosquitto and mosquitto_sub are not installed")
        return SKIPPED
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        print("SKIPPED: python3-jsonschema with draft 2020-12 (4.0 or newer) is not installed")
        return SKIPPED
    schemas = ROOT / "config" / "schema"
    validators = {kind: Draft202012Validator(json.loads((schemas / f"{kind}.schema.json").read_text(encoding="utf-8")))
                  for kind in ("telemetry", "records", "event", "status")}
    with tempfile.TemporaryDirectory(prefix="outrider-published-") as directory:
        trial = Trial(Path(directory), binary, validators)
        try:
            trial.run()
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
        for complaint in trial.complaints[:MOST_COMPLAINTS]:
            print(f"FAILED: {complaint}")
        print(f"{len(trial.complaints)} complaints")
        trial.check_that_breaks_are_noticed()
        return 1 if trial.complaints else 0


class Agent:
    """One configuration of the agent, with its state and its messages."""

    def __init__(self, trial, layout, mqtt, model):
        self.trial = trial
        self.layout, self.mqtt, self.model = layout, mqtt, model
        self.name = f"{model}-{layout}-{mqtt}"
        configuration, self.topic, self.count, self.names = SIMULATED.get(model, REPLAY)
        self.vehicles = (self.name,) if self.count == 1 else tuple(f"{self.name}-{i + 1}" for i in range(self.count))
        self.options = ["--config", str(ROOT / "config" / configuration), "--broker", trial.broker.url,
                        "--state", str(trial.directory / self.name), "--set", f"vehicle_id={self.name}",
                        "--set", f"publish.layout={layout}", "--set", f"publish.mqtt={mqtt}", *FAST]
        self.began, self.ended = time.time(), None
        self.summary = None

    def simulate(self, *more):
        return self.start("simulate", "--vehicles", str(self.count), *more)

    def replay(self):
        log = self.trial.directory / f"{self.name}.log"
        log.write_text("\n".join(vehicle_log.lines(REPLAYED[self.model])) + "\n", encoding="utf-8")
        return self.start("replay", str(log), "--speed", "max", "--drain", "60s")

    def start(self, command, *more):
        return Child(self.name, self.trial.directory, [self.trial.binary, command, *self.options, *more])

    def wait(self, child):
        child.wait(Failure, longest=120)
        self.ended = time.time()
        self.summary = json.loads(child.output().splitlines()[-1])

    def topics(self, channel):
        return [self.topic.format(vehicle_id=vehicle, channel=channel) for vehicle in self.vehicles]

    def messages(self):
        own = {topic for channel in ("telemetry", "events", "status") for topic in self.topics(channel)}
        return [message for message in self.trial.messages() if message.topic in own]

    def has_shown_all(self):
        """Every vehicle has sent every name, and a status document."""
        messages = self.messages()
        rows = {topic: b"".join(message.payload for message in messages if message.topic == topic)
                for topic in self.topics("telemetry")}
        return {message.topic for message in messages} >= set(self.topics("status")) and \
            all(f'"{name}":'.encode() in payloads for payloads in rows.values() for name in self.names)

    def has_left_a_will(self):
        of_first = [message for message in self.messages() if message.topic == self.topics("status")[0]]
        return bool(of_first) and b'"online":false' in of_first[-1].payload

    def judged(self, messages):
        run = (self.began, self.ended)
        samples, clocks = run, ANY_CLOCK
        if self.model in REPLAYED:
            first = REPLAYED[self.model]
            samples, clocks = (first, first + vehicle_log.LENGTH), CLOCKS[self.model]
        judge = Judge(self.trial.validators,
                      Promise(self.topic, self.vehicles, self.layout, self.names, run, samples, clocks))
        for message in messages:
            judge.take(message)
        judge.finish()
        self.judge_trip(judge)
        return judge

    def judge_trip(self, judge):
        """What this trip must have brought about, or else the test would prove less than it says."""
        is_replay = self.model in REPLAYED
        judge.expect(judge.events == ["started"] * self.count * (1 if is_replay else 2), self.name,
                     f"events {judge.events}")
        judge.expect(judge.online[:1] == [True] and judge.online[-1:] == [False], self.name, f"online {judge.online}")
        judge.expect(self.summary["waiting"] == 0, self.name, "samples still wait")
        if not is_replay:
            judge.expect(judge.online.count(False) == 2, self.name, "it was killed once and ended once")
            judge.expect(judge.most_rows > 1, self.name, "no message had several rows")
            judge.expect(judge.lost == {}, self.name, f"lost {judge.lost}")
            return
        judge.expect(judge.lost == vehicle_log.LOST, self.name, f"lost {judge.lost} instead of {vehicle_log.LOST}")
        judge.expect(judge.loss_only_rows > 0, self.name, "no row had nothing but losses")
        judge.expect(judge.samples == self.summary["published"], self.name,
                     f"{judge.samples} samples came, {self.summary['published']} were published")


class Trial:
    """A broker, a subscriber and all agents, in one directory."""

    def __init__(self, directory, binary, validators):
        self.directory, self.binary, self.validators = directory, binary, validators
        self.broker = Broker(directory, free_port())
        self.recorder = None
        self.complaints = []
        self.simulated = self.agents(SIMULATED)
        self.replayed = self.agents(REPLAYED)

    def agents(self, models):
        return [Agent(self, layout, mqtt, model)
                for model in models for layout in ("columns", "records") for mqtt in ("5", "3.1.1")]

    def run(self):
        with self.broker:
            self.broker.start()
            self.recorder = self.subscribe("recorder", "--retain-as-published", "-t", "#")
            with self.recorder:
                self.wait_for_probe()
                for number in range(0, len(self.simulated), AT_ONCE):
                    self.drive(self.simulated[number:number + AT_ONCE])
                for agent in self.replayed:
                    with agent.replay() as child:
                        agent.wait(child)
                self.wait_for_probe()
                self.judge_retained(self.simulated + self.replayed)
        self.judge_all()

    def drive(self, agents):
        """Killed while they drive; then on in a tunnel, so that a backlog is sent."""
        with ExitStack() as running:
            children = [running.enter_context(agent.simulate()) for agent in agents]
            for agent, child in zip(agents, children):
                wait_until(lambda: child.must_run(Failure) and agent.has_shown_all(),
                           f"{agent.name} shows all its names", Failure)
        for agent in agents:
            wait_until(agent.has_left_a_will, f"the last will of {agent.name}", Failure)
        self.judge_retained(agents)
        with ExitStack() as running:
            children = [running.enter_context(agent.simulate("--seconds", "2", "--outage", "1s@0s", "--drain", "60s"))
                        for agent in agents]
            for agent, child in zip(agents, children):
                agent.wait(child)

    def subscribe(self, name, *more):
        return Child(name, self.directory,
                     ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-V", "mqttv5", "-q", "1",
                      "-F", "%r %t %x", *more])

    def wait_for_probe(self):
        """Until the subscriber has all that the broker has taken until now."""
        before = self.recorder.output().count(f" {PROBE} ")

        def is_heard():
            self.recorder.must_run(Failure)
            with Child("probe", self.directory, ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.port),
                                                 "-t", PROBE, "-m", PROBE]) as probe:
                probe.wait(Failure, longest=60)
            return self.recorder.output().count(f" {PROBE} ") > before

        wait_until(is_heard, "the subscriber hears a probe", Failure)

    def messages(self):
        return messages_of(self.recorder)

    def judge_retained(self, agents):
        """A subscriber that comes later gets the newest status documents."""
        topics = [topic for agent in agents for topic in agent.topics("status")]
        wanted = [option for topic in topics for option in ("-t", topic)]
        with self.subscribe("late", "--retained-only", "-C", str(len(topics)), *wanted) as late:
            late.wait(Failure, longest=60)
            retained = messages_of(late)
        newest = {message.topic: message.payload for message in self.messages()}
        found = {message.topic: message.payload for message in retained}
        for topic in topics:
            if found.get(topic) != newest[topic]:
                self.complaints.append(f"{topic}: the retained document is not the newest one")

    def judge_all(self):
        agents = self.simulated + self.replayed
        known = {topic for agent in agents for channel in ("telemetry", "events", "status")
                 for topic in agent.topics(channel)}
        strays = {message.topic for message in self.messages()} - known - {PROBE}
        if strays:
            self.complaints.append(f"topics that nobody promised: {sorted(strays)}")
        print(f"{'layout':9}{'mqtt':7}{'model':14}{'messages':>9}{'rows':>7}{'samples':>9}{'lost':>6}{'invalid':>9}")
        for agent in agents:
            judge = agent.judged(agent.messages())
            print(f"{agent.layout:9}{agent.mqtt:7}{agent.model:14}{judge.messages:9}{judge.rows:7}{judge.samples:9}"
                  f"{sum(judge.lost.values()):6}{judge.invalid:9}")
            self.complaints += judge.complaints

    def check_that_breaks_are_noticed(self):
        """A broken copy of each real message that a break fits to must be complained about, by the right one."""
        tried = 0
        for agent in self.simulated + self.replayed:
            messages = agent.messages()
            before = agent.judged(messages)
            for what, channel, layout, is_invalid, change in BREAKS:
                if layout not in (None, agent.layout):
                    continue
                after = agent.judged(with_last_broken(messages, agent.topics(channel)[0], change))
                tried += 1
                is_noticed = set(after.complaints) - set(before.complaints)
                if not is_noticed or (after.invalid > before.invalid) != is_invalid:
                    raise AssertionError(f"this test does not notice {what} of {agent.name}")
        print(f"{tried} broken copies of real messages were refused")


def messages_of(subscriber):
    """What it has heard so far; a last line without its end is still being written."""
    lines = subscriber.output().split("\n")[:-1]
    return [Message(topic, is_retained == "1", bytes.fromhex(payload))
            for is_retained, topic, payload in (line.split(" ") for line in lines)]


def with_last_broken(messages, topic, change):
    """The messages with the last one of a topic changed, or cut off when there is no change."""
    at = max(index for index, message in enumerate(messages) if message.topic == topic)
    payload = messages[at].payload
    if change is None:
        payload = payload[:-1]
    else:
        document = json.loads(payload)
        change(document)
        payload = json.dumps(document).encode()
    return [*messages[:at], Message(topic, messages[at].is_retained, payload), *messages[at + 1:]]


if __name__ == "__main__":
    sys.exit(main())
