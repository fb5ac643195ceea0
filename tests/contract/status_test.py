#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outrider status` and `outrider buffer` against the really running agent, and a validator that is not ours.

An agent drives without a broker, with one, and with a broker that dies; a second one starts on the same state; and the
buffer is looked into while nobody runs. Exit code: 0 all is as promised, 1 something is not, 77 skipped.
"""
import argparse
import json
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
from processes import Broker, Child, end_with_parent, free_port, wait_until

SCHEMAS = ROOT / "config" / "schema"
SKIPPED = 77
NO_AGENT = "no agent is running on this socket"


class Failure(Exception):
    """Something that must happen did not."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = parser.parse_args().binary
    if not Broker.is_installed():
        print("SKIPPED: mosquitto is not installed")
        return SKIPPED
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        print("SKIPPED: python3-jsonschema with draft 2020-12 (4.0 or newer) is not installed")
        return SKIPPED
    validators = {name: Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))
                  for name in ("agent_status", "telemetry", "event")}
    with tempfile.TemporaryDirectory(prefix="outrider-status-") as directory:
        try:
            Trial(Path(directory), binary, validators).run()
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    return 0


class Trial:
    def __init__(self, directory, binary, validators):
        self.directory, self.binary, self.validators = directory, binary, validators
        self.state = directory / "state"
        self.broker = Broker(directory, free_port())

    def run(self):
        self.nobody_is_asked()
        self.mistakes_are_refused()
        with self.agent("first") as agent:
            self.agent_without_a_broker_is_asked(agent)
            self.second_agent_on_the_same_state()
            self.strangers_talk_nonsense()
            waiting = self.buffer_is_looked_into()
        self.buffer_of_a_killed_agent_is_looked_into(waiting)
        with self.broker:
            self.broker.start()
            with self.agent("second") as agent:
                self.agent_with_a_broker_is_healthy(agent)
                self.broker.kill()
                self.dead_broker_is_noticed()
                self.next_agent_waits_for_this_one(agent)
        must(not (self.state / "outrider.sock").exists(), "the socket is left behind by an agent that ended in peace")
        self.agent_without_a_socket()

    def agent(self, name, *more):
        return Child(name, self.directory,
                     [self.binary, "simulate", "--quiet", "--vehicles", "2", "--state", self.state, "--broker",
                      self.broker.url, "--set", "buffer.commit_interval=100ms", "--set", "publish.backoff.base=50ms",
                      "--set", "publish.backoff.cap=200ms",
                      *more])

    def outrider(self, *command):
        return subprocess.run([self.binary, *command, "--state", self.state], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=60, preexec_fn=end_with_parent)

    def good(self, *command):
        done = self.outrider(*command)
        must(done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def bad(self, words, *command):
        done = self.outrider(*command)
        must(done.returncode == 1 and words in done.stderr and done.stdout == "",
             f"{command} ended with {done.returncode} and {done.stdout!r} {done.stderr!r} instead of 1 and {words!r}")

    def status(self):
        lines = self.good("status", "--json").splitlines()
        must(len(lines) == 1, f"{len(lines)} lines of status")
        return self.valid("agent_status", lines[0])

    def valid(self, schema, line):
        document = json.loads(line)
        for error in self.validators[schema].iter_errors(document):
            raise Failure(f"{schema}: {'/'.join(map(str, error.path))}: {error.message}")
        return document

    def when(self, holds, what):
        wait_until(lambda: holds(self.status()), what, Failure)

    def nobody_is_asked(self):
        self.bad(NO_AGENT, "status")
        self.bad(NO_AGENT, "status", "--healthy")
        self.bad("there is no buffer in", "buffer", "list")
        must(not self.state.exists(), "looking made a directory")

    def mistakes_are_refused(self):
        """No buffer can be made there, and waiting would not help."""
        (self.directory / "file").write_text("no directory")
        for name in ("file", "file/below"):
            with self.agent("misled", "--set", f"buffer.directory={self.directory / name}") as misled:
                code = misled.process.wait(60)
                must(code == 4 and "choose another with --state DIR" in misled.errors(), f"{code}: {misled.last_words()}")

    def next_agent_waits_for_this_one(self, agent):
        """As when a service is restarted: the old process still has the buffer."""
        with self.agent("next", "--set", "status.socket=") as following:
            wait_until(lambda: following.must_run(Failure) and "waiting for it to let go" in following.errors(),
                       "the next agent waits", Failure)
            agent.terminate(Failure)
            wait_until(lambda: following.must_run(Failure) and "cannot connect" in following.errors(), "it goes on", Failure)
            following.terminate(Failure)

    def agent_without_a_broker_is_asked(self, agent):
        wait_until(lambda: agent.must_run(Failure) and self.outrider("status").returncode == 0, "it answers", Failure)
        mode = stat.S_IMODE((self.state / "outrider.sock").stat().st_mode)
        must(mode == 0o600, f"the socket has mode {mode:o}")
        self.when(lambda status: status["backlog"]["telemetry"]["rows"] > 20 and status["problems"], "rows wait")
        status = self.status()
        must(status["vehicle_ids"] == ["sim-1", "sim-2"], f"vehicles {status['vehicle_ids']}")
        must(status["link"]["mode"] in ("offline", "connecting"), f"link {status['link']}")
        must("refused" in status["link"]["last_error"], f"last error {status['link']['last_error']!r}")
        must(status["problems"][-1]["topic"] == "link", f"problems {status['problems']}")
        must(status["ledger"]["sampled"] > 0 and status["flash"]["written_bytes"] > 0, "nothing was counted")
        text = self.good("status")
        must("ledger     sampled" in text and "waiting    telemetry" in text, f"text {text!r}")
        must(self.good("status", "--healthy") == "", "a healthy agent has nothing to say")
        self.bad("not healthy: no connection to a broker for", "status", "--healthy", "--within", "10ms")
        answer = self.outrider("status", "--healthy", "--json", "--within", "10ms")
        must(answer.returncode == 1 and json.loads(answer.stdout)["healthy"] is False, f"healthy: {answer}")

    def second_agent_on_the_same_state(self):
        with self.agent("other") as other:
            code = other.process.wait(60)
            must(code == 4 and "in use by another process" in other.errors(), f"{code}: {other.last_words()}")
        must(self.good("status") != "", "the first agent does not answer any more")
        # The same socket from another state: it drives, and leaves the first one alone.
        with self.agent("guest", "--set", f"buffer.directory={self.directory / 'guest'}", "--set",
                        f"status.socket={self.state / 'outrider.sock'}") as guest:
            wait_until(lambda: "another agent does" in guest.errors(), "the guest says so", Failure)
            guest.must_run(Failure)
            guest.terminate(Failure)
        must(self.status()["vehicle_ids"] == ["sim-1", "sim-2"], "the guest took the socket")

    def strangers_talk_nonsense(self):
        for line in (b"\n", b"how are you?\n", b'{"ask":"secrets"}\n', b"\0\xff\n", b"[" * 4000 + b"\n"):
            must(self.reply(line).startswith(b'{"error":"the request is not understood'), f"{line[:40]} was understood")
        must(b"longer than 4096 bytes" in self.reply(b"x" * 100000 + b"\n"), "an endless line was kept")
        must(self.good("status") != "", "the agent does not answer any more")

    def reply(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(self.state / "outrider.sock"))
            client.sendall(line)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def buffer_is_looked_into(self):
        """Returns how many samples wait, at least."""
        streams = [json.loads(line) for line in self.good("buffer", "list", "--json").splitlines()]
        must([(stream["vehicle_id"], stream["channel"]) for stream in streams]
             == [(vehicle, channel) for vehicle in ("sim-1", "sim-2") for channel in ("telemetry", "events")],
             f"streams {streams}")
        for stream in streams:
            must(stream["sampled"] == stream["delivered"] + stream["waiting"] + stream["lost"], f"ledger of {stream}")
        must(self.good("buffer", "list").count("\n") == 5, "a table of four streams has five lines")
        must(self.good("buffer", "list", "--dead") == "", "there are dead letters")
        self.bad("there is no dead letter 7", "buffer", "requeue", "7")
        must(self.good("buffer", "requeue", "--all") == '{"requeued":0}\n', "dead letters were requeued")
        must(self.outrider("buffer", "requeue").returncode == 2, "requeue nothing is a mistake")
        for wrong in ("0", "-3", "1.5", "all"):
            done = self.outrider("buffer", "requeue", "--", wrong)
            must(done.returncode == 2 and f'"{wrong}" is no dead letter' in done.stderr, f"requeue {wrong}: {done}")
        for more in ((), ("--dry-run",)):
            self.bad(f"{self.directory} is a directory; give the file in it", "buffer", "salvage", *more, str(self.directory))
        self.check_export()
        return sum(stream["waiting"] for stream in streams)

    def check_export(self):
        """Samples in the exported rows; every row is a valid message of its own and no number is left out."""
        samples, newest = 0, {}
        for line in self.good("buffer", "export").splitlines():
            channel = json.loads(line)["schema"].split("/")[1]
            message = self.valid(channel, line)
            row, = message["rows"]
            stream = (message["vehicle_id"], channel)
            must(row["seq"] == newest.get(stream, 0) + 1, f"row {row['seq']} of {stream} after {newest.get(stream)}")
            newest[stream] = row.get("through", row["seq"])
            samples += sum(len(series["v"]) for series in row.get("signals", {}).values())
        must(len(newest) == 4, f"streams {newest}")
        return samples

    def buffer_of_a_killed_agent_is_looked_into(self, waiting):
        must((self.state / "outrider.sock").exists(), "a killed agent leaves its socket")
        self.bad(NO_AGENT, "status")
        streams = [json.loads(line) for line in self.good("buffer", "list", "--json").splitlines()]
        left = sum(stream["waiting"] for stream in streams)
        must(left >= waiting, f"{left} samples wait after the kill, {waiting} before")
        samples = self.check_export()
        must(samples == left, f"{samples} samples were exported, {left} wait")

    def agent_with_a_broker_is_healthy(self, agent):
        wait_until(lambda: agent.must_run(Failure) and self.outrider("status").returncode == 0, "it answers", Failure)
        self.when(lambda status: status["link"]["mode"] == "live" and status["ledger"]["delivered"] > 0, "it is live")
        must(self.good("status", "--healthy", "--within", "60s") == "", "a healthy agent has nothing to say")

    def dead_broker_is_noticed(self):
        self.when(lambda status: status["link"]["mode"] in ("offline", "connecting")
                  and status["link"]["for_seconds"] > 0.1, "the dead broker is noticed")
        self.bad("not healthy: no connection to a broker for", "status", "--healthy", "--within", "100ms")

    def agent_without_a_socket(self):
        with self.agent("mute", "--set", "status.socket=") as mute:
            wait_until(lambda: mute.must_run(Failure) and "cannot connect" in mute.errors(), "it works", Failure)
            self.bad(NO_AGENT, "status")
            self.bad("in use by another process", "buffer", "list")
            self.bad("status.socket is empty", "status", "--set", "status.socket=")


def must(holds, complaint):
    if not holds:
        raise Failure(complaint)


if __name__ == "__main__":
    sys.exit(main())
