# SPDX-License-Identifier: Apache-2.0
"""Judges the messages of one agent: each by its JSON Schema, and all of them by what a schema cannot say."""
import json
from dataclasses import dataclass
from datetime import datetime

CLOCK_NOISE = 0.002  # seconds; times are cut to milliseconds, and two clocks are read one after the other
# The rest are signals.
ROW_MEMBERS = ("vehicle_id", "event_timestamp", "epoch", "seq", "part", "clock", "lost", "catalogue")


@dataclass(frozen=True)
class Message:
    """As a subscriber that is not ours saw it."""
    topic: str
    is_retained: bool
    payload: bytes


@dataclass(frozen=True)
class Promise:
    """What the messages of one agent must keep to."""
    topic: str         # with {vehicle_id} and {channel}
    vehicles: tuple    # their ids
    layout: str
    names: frozenset   # of signals that must be among those of every vehicle
    run: tuple         # first and last possible moment, seconds since 1970
    samples: tuple     # the same for samples
    clocks: frozenset  # what "clock" of a sample may be


class Judge:
    """Takes messages in the order of their arrival; `complaints` says what is wrong with them."""

    def __init__(self, validators, promise):
        self.validators = validators
        self.promise = promise
        self.topics = {promise.topic.format(vehicle_id=vehicle, channel=channel): (vehicle, channel)
                       for vehicle in promise.vehicles for channel in ("telemetry", "events", "status")}
        self.complaints = []
        self.messages = self.invalid = self.rows = self.samples = self.most_rows = self.loss_only_rows = 0
        self.lost = {}
        self.online = []       # what the status documents with a last will said, in order
        self.events = []       # kinds
        self.statuses = {}     # vehicle → its status documents
        self._contents = {}    # (vehicle, channel, epoch, seq) → content
        self._newest = {}      # (vehicle, channel, epoch) → seq
        self._names = {vehicle: set() for vehicle in promise.vehicles}
        self._catalogues = {}  # vehicle → what its rows named, in order

    def take(self, message):
        self.messages += 1
        vehicle, channel = self.topics.get(message.topic, (None, None))
        if vehicle is None:
            return self.complain(message.topic, "nobody promised this topic")
        if message.is_retained != (channel == "status"):
            self.complain(message.topic, f"retained is {message.is_retained}")
        try:
            document = json.loads(message.payload, object_pairs_hook=unique_names, parse_constant=refuse_constant)
        except ValueError as reason:
            self.invalid += 1
            return self.complain(message.topic, f"is no JSON: {reason}")
        kind = {"events": "event", "telemetry": {"columns": "telemetry"}.get(self.promise.layout, "records")}.get(
            channel, channel)
        errors = sorted(self.validators[kind].iter_errors(document), key=lambda error: list(map(str, error.path)))
        for error in errors:
            self.complain(message.topic, f"{kind}.schema.json at {'/'.join(map(str, error.path))}: {error.message}")
        if errors:
            self.invalid += 1
            return None  # what follows relies on the schema
        if channel == "status":
            return self.take_status(vehicle, document)
        return self.take_rows(vehicle, channel, document)

    def take_status(self, vehicle, document):
        self.expect(document["vehicle_id"] == vehicle, vehicle, "the status document is another vehicle's")
        self.expect(document["layout"] == self.promise.layout, vehicle, f"layout {document['layout']}")
        self.expect_moment(vehicle, "status", document["time"], self.promise.run)
        names = [signal["name"] for signal in document["signals"]]
        self.expect(len(names) == len(set(names)), vehicle, "a name is twice in the catalogue")
        if "online" in document:
            self.online.append(document["online"])
        self.statuses.setdefault(vehicle, []).append(document)

    def take_rows(self, vehicle, channel, document):
        rows = rows_of_records(document) if isinstance(document, list) else rows_of_object(document)
        self.most_rows = max(self.most_rows, len(rows))
        for head, content in rows:
            of, epoch, seq = head
            self.expect(of == vehicle, vehicle, f"row {seq} on {channel} is {of}'s")
            if self.is_new(vehicle, channel, epoch, seq, content):
                self.rows += 1
                take = self.take_event if channel == "events" else self.take_telemetry
                take(vehicle, seq, content)

    def is_new(self, vehicle, channel, epoch, seq, content):
        key = (vehicle, channel, epoch, seq)
        if key in self._contents:
            self.expect(self._contents[key] == content, vehicle, f"{channel} row {seq} came again as something else")
            return False
        before = self._newest.get((vehicle, channel, epoch), 0)
        self.expect(seq == before + 1, vehicle, f"{channel} row {seq} came after {before}")
        self._newest[vehicle, channel, epoch] = seq
        self._contents[key] = content
        return True

    def take_event(self, vehicle, _, content):
        self.events.append(content["event"])
        self.expect_moment(vehicle, "event", content["time"], self.promise.run)

    def take_telemetry(self, vehicle, seq, content):
        if "through" in content:
            return self.complain(vehicle, f"row {seq} is a gap, though nothing gets lost here")
        samples = samples_of_records(content) if "records" in content else samples_of_columns(content)
        for series, its in content.get("signals", {}).items():
            self.expect(len(its["t"]) == len(its["v"]), vehicle, f"{series} in row {seq} has more times than values")
        for moment in [record["event_timestamp"] for record in content.get("records", [])] or [content["time"]]:
            self.expect_moment(vehicle, f"row {seq}", moment, self.promise.samples)
        for name, moment, clock in samples:
            self.samples += 1
            self._names[vehicle].add(name)
            self.expect_moment(vehicle, name, moment, self.promise.samples)
            self.expect(clock in self.promise.clocks, vehicle, f"row {seq} says its clock is {clock}")
        self.expect(all(first[0] != second[0] or first[1] <= second[1] for first, second in neighbours(samples)),
                    vehicle, f"samples of a series in row {seq} are not in the order they were taken")
        extras = extras_of(content)
        for cause, count in extras.get("lost", {}).items():
            self.lost[cause] = self.lost.get(cause, 0) + count
        self.loss_only_rows += not samples and "lost" in extras
        if "catalogue" in extras:
            self._catalogues.setdefault(vehicle, []).append(extras["catalogue"])
        self.expect(seq > 1 or "catalogue" in extras, vehicle, "its first row does not name the catalogue")
        self.judge_records(vehicle, seq, content.get("records", []))

    def judge_records(self, vehicle, seq, records):
        """What records.schema.json says of a row's objects: the order, and the key."""
        times = [record["event_timestamp"] for record in records]
        self.expect(times == sorted(times), vehicle, f"objects of row {seq} are not in the order they were taken")
        parts = [record["part"] for record in records]
        self.expect(parts == list(range(len(parts))), vehicle, f"the parts of row {seq} are {parts}, not 0, 1, 2...")

    def finish(self):
        """What only holds once everything arrived."""
        for vehicle in self.promise.vehicles:
            statuses = self.statuses.get(vehicle, [])
            catalogues = self._catalogues.get(vehicle, [])
            if not statuses or not catalogues:
                self.complain(vehicle, f"{len(statuses)} status documents, {len(catalogues)} rows name a catalogue")
                continue
            signals = {status["catalogue"]: {signal["name"] for signal in status["signals"]} for status in statuses}
            for catalogue in catalogues:
                self.expect(catalogue in signals, vehicle, f"no status document has the catalogue {catalogue}")
            self.expect(statuses[-1]["catalogue"] == catalogues[-1], vehicle,
                        "the last status document has another catalogue than the last row")
            named = signals[statuses[-1]["catalogue"]]
            self.expect(self._names[vehicle] <= named, vehicle, f"not in the catalogue: {self._names[vehicle] - named}")
            missing = self.promise.names - self._names[vehicle]
            self.expect(not missing, vehicle, f"never published: {sorted(missing)}")
            epochs = {epoch for of, _, epoch in self._newest if of == vehicle}
            self.expect({status["epoch"] for status in statuses} == epochs, vehicle, "status and rows differ in epoch")
        return self.complaints

    def expect_moment(self, vehicle, what, moment, bounds):
        at = seconds(moment) if isinstance(moment, str) else moment
        self.expect(bounds[0] - CLOCK_NOISE <= at <= bounds[1] + CLOCK_NOISE, vehicle,
                    f"{what} at {at:.3f} is not within {bounds[0]:.3f} to {bounds[1]:.3f}")

    def expect(self, holds, place, problem):
        if not holds:
            self.complain(place, problem)

    def complain(self, place, problem):
        self.complaints.append(f"{place}: {problem}")


def rows_of_object(document):
    """((vehicle, epoch, seq), row) of layout "columns" and of events."""
    return [((document["vehicle_id"], document["epoch"], row["seq"]), row) for row in document["rows"]]


def rows_of_records(document):
    """The same of layout "records", where a row is the neighbours that share a number; a gap is a row of its own."""
    rows = []
    for record in document:
        head = (record["vehicle_id"], record["epoch"], record["seq"])
        if "through" in record:
            rows.append((head, record))
        elif rows and rows[-1][0] == head:
            rows[-1][1]["records"].append(record)
        else:
            rows.append((head, {"records": [record]}))
    return rows


def samples_of_columns(row):
    """(name, moment, clock), series by series."""
    start = seconds(row["time"])
    return [(name, start + t / 1000, row["clock"]) for name, series in row["signals"].items() for t in series["t"]]


def samples_of_records(row):
    samples = [(name, seconds(record["event_timestamp"]), record["clock"])
               for record in row["records"] for name in record if name not in ROW_MEMBERS]
    return sorted(samples, key=lambda sample: sample[0])  # stable: by series, in their order


def extras_of(row):
    """Losses and catalogue of a row: those of its first object where the layout has objects."""
    first = row.get("records", [row])[0]
    return {name: first[name] for name in ("lost", "catalogue") if name in first}


def neighbours(items):
    return zip(items, items[1:])


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def unique_names(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError(f"a name is twice in one object: {sorted(names)}")
    return dict(pairs)


def refuse_constant(text):
    raise ValueError(f"{text} is no number of JSON")
