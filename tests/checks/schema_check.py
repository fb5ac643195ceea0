#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the shipped configurations and our JSON Schemas against a validator that is not ours.

    schema_check.py CONFIG_FOLDER   prints one line per problem; exit code 1 if there is any, 77 if it cannot run here

Every schema must be good draft 2020-12, accept the examples in it, and refuse messages that break a promise.
"""
import copy
import json
import re
import sys
from pathlib import Path

SKIPPED = 77  # What ctest is told to take as "skipped".

# A text in quotes, or a comment: what stands first wins, as in the agent's reader.
TEXT_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def without_comments(text):
    return TEXT_OR_COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else " ", text)


def set_at(document, path, value):
    """A copy of the document with the value at the path; a value of DELETE takes it away."""
    changed = copy.deepcopy(document)
    at = changed
    for step in path[:-1]:
        at = at[step]
    if value is DELETE:
        del at[path[-1]]
    elif isinstance(at, list) and path[-1] == len(at):
        at.append(value)
    else:
        at[path[-1]] = value
    return changed


DELETE = object()
CONFIG = {"vehicle_id": "v", "buses": [{"name": "can0", "dbc": ["a.dbc"]}], "signals": [{"signal": "A"}],
          "publish": {"brokers": ["mqtt://b"]}}

# Per schema: changes to its first example (to CONFIG for the configuration) that it must refuse.
REFUSED = {
    "config.schema.json": [
        (["vehicle_id"], "a/b"), (["vehicle_id"], ""), (["vehicle_id"], DELETE), (["vehicle"], "x"),
        (["buses"], []), (["buses", 0, "dbc"], "a.dbc"), (["buses", 0, "match"], "j1939"), (["buses", 0, "name"], "a/b"),
        (["signals", 0], {}), (["signals", 0], "A.B.C"), (["signals", 0, "as"], "seq"), (["signals", 0, "as"], "part"),
        (["signals", 0, "period"], 100),
        (["signals", 0, "period"], "fast"), (["signals", 0, "valid"], [1]), (["signals", 0, "source_address"], 254),
        (["signals", 0, "deadband"], -1), (["signals", 0], {"signal": "A", "drop": True, "as": "a"}),
        (["publish", "brokers"], []), (["publish", "brokers", 0], "tcp://b"), (["publish", "brokers", 0], "ssl://b"),
        (["publish", "tls"], {"ca": ""}), (["publish", "tls"], {"key": "k"}), (["publish", "tls"], {"insecure": True}),
        (["publish", "tls"], {"minimum_version": "1.1"}), (["publish", "tls"], {"alpn": "mqtt"}),
        (["publish", "allow_plain_text"], "yes"),
        (["publish", "topic"], "a/{channel}"), (["publish", "topic"], "+/{vehicle_id}/{channel}"),
        (["publish", "client_id"], "$me"), (["publish", "password_file"], "pw"), (["publish", "max_message"], 65536),
        (["publish", "max_in_flight"], 0), (["publish", "max_messages_per_second"], 0.5),
        (["publish", "max_bytes_per_second"], 1000), (["publish", "mqtt"], 5), (["buffer"], {"max_byte": "1MiB"}),
        (["status"], {"socket": None}), (["status"], {"socket": "x" * 108}),
        (["log"], {"level": "loud"}), (["simulator"], {"seed": -1}),
    ],
    "telemetry.schema.json": [
        (["schema"], "outrider/telemetry/2"), (["vehicle_id"], ""), (["rows"], []), (["rows", 0, "seq"], 0),
        (["rows", 0, "time"], "2026-11-22 10:00:00"), (["rows", 0, "clock"], "right"), (["rows", 0, "signals"], DELETE),
        (["rows", 0, "signals", "speed", "v", 0], None), (["rows", 0, "signals", "speed", "t", 0], 0.5),
        (["rows", 0, "signals", "speed", "t", 0], -1), (["rows", 0, "lost"], {}), (["rows", 0, "lost"], {"x": 0}),
        (["rows", 0, "catalogue"], "0123456789ABCDEF"), (["rows", 0, "through"], 1300),
        (["rows", 1, "through"], DELETE), (["rows", 1, "lost_rows", "rows"], 0), (["rows", 1, "signals"], {}),
    ],
    "records.schema.json": [
        ([0, "engine_rpm"], "1740"), ([0, "engine_rpm"], None), ([0, "seq"], DELETE), ([0, "clock"], "right"),
        ([0, "event_timestamp"], "yesterday"), ([0, "lost_rows"], {}), ([2, "lost_rows"], DELETE), ([2, "engine_rpm"], 1),
        ([0, "part"], DELETE), ([0, "part"], -1), ([0, "part"], 0.5), ([0, "part"], "0"), ([0, "part"], 1),
        ([1, "lost"], {"x": 1}), ([1, "catalogue"], "0123456789abcdef"), ([2, "part"], 0), ([0], []),
    ],
    "event.schema.json": [
        (["schema"], "outrider/telemetry/1"), (["rows", 0, "event"], DELETE), (["rows", 0, "severity"], "bad"),
        (["rows", 0, "phase"], "middle"), (["rows", 0, "value"], "118"), (["rows", 2, "lost_rows"], DELETE),
        (["rows", 2, "event"], "x"),
    ],
    "status.schema.json": [
        (["online"], "yes"), (["layout"], "rows"), (["catalogue"], "1"), (["signals", 0, "unit"], DELETE),
        (["signals", 0, "source"], "VehicleSpeed"), (["epoch"], DELETE), (["more"], 1),
    ],
    "agent_status.schema.json": [
        (["schema"], "outrider/status/1"), (["vehicle_ids"], []), (["uptime_seconds"], -1), (["more"], 1),
        (["link", "mode"], "online"), (["link", "last_error"], None), (["link", "failures"], {"network": 1}), (["link", "for_seconds"], None),
        (["backlog", "telemetry", "rows"], -1), (["backlog", "telemetry"], DELETE), (["backlog", "live"], {}),
        (["autonomy", "state"], "soon"), (["drain", "minutes"], "never"), (["ledger", "closes"], DELETE),
        (["ledger", "lost"], 0.5), (["lost"], {"x": 0}), (["clock", "quality"], "right"), (["disk", "short"], 0),
        (["problems", 0, "count"], 0), (["problems", 0, "level"], "info"), (["flash", "syncs"], None),
    ],
}


class Checker:
    def __init__(self, folder, validator):
        self.folder = folder
        self.validator = validator
        self.problems = []
        self.checked = 0

    def run(self):
        for name, refused in REFUSED.items():
            schema = self.read_schema(name)
            if schema is not None:
                self.check_schema(name, schema, refused)
        for path in sorted((self.folder / "schema").glob("*.json")):
            if path.name not in REFUSED:
                self.problems.append(f"{path.name}: nothing here says what this schema must refuse")
        configurations = sorted(self.folder.glob("*.json"))
        if not configurations:
            self.problems.append(f"{self.folder}: there is no configuration")
        for path in configurations:
            self.expect_good("config.schema.json", path.name, json.loads(without_comments(path.read_text(encoding="utf-8"))))

    def read_schema(self, name):
        schema = json.loads((self.folder / "schema" / name).read_text(encoding="utf-8"))
        try:
            self.validator.check_schema(schema)
        except Exception as reason:  # the library's own type differs between its versions
            self.problems.append(f"{name}: is no good schema: {reason}")
            return None
        return schema

    def check_schema(self, name, schema, refused):
        examples = [CONFIG] if name == "config.schema.json" else schema.get("examples", [])
        if not examples:
            self.problems.append(f"{name}: has no examples")
            return
        for number, example in enumerate(examples):
            self.expect_good(name, f"example {number}", example)
        for path, value in refused:
            changed = set_at(examples[0], path, value)
            self.checked += 1
            if not self.errors(name, changed):
                what = "without it" if value is DELETE else f"as {json.dumps(value)}"
                self.problems.append(f"{name}: accepts {'/'.join(map(str, path))} {what}")

    def errors(self, name, document):
        schema = json.loads((self.folder / "schema" / name).read_text(encoding="utf-8"))
        return sorted(self.validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))

    def expect_good(self, name, what, document):
        self.checked += 1
        for error in self.errors(name, document):
            place = "/".join(map(str, error.path)) or "(all of it)"
            self.problems.append(f"{name}: refuses {what} at {place}: {error.message}")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        print("SKIPPED: python3-jsonschema with draft 2020-12 (4.0 or newer) is not installed")
        return SKIPPED
    checker = Checker(Path(arguments[0]), Draft202012Validator)
    checker.run()
    for problem in checker.problems:
        print(problem)
    print(f"{checker.checked} documents, {len(checker.problems)} problems")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
