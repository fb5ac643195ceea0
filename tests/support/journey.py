# SPDX-License-Identifier: Apache-2.0
"""One agent that is attacked, with a broker and `outrider verify` as its consumer: what went in, and what arrived."""
import contextlib
import json
import os
import subprocess
from pathlib import Path

from processes import LIMIT, Broker, Child, free_port, wait_until

FAST_RECONNECT = ["--set", "publish.backoff.base=50ms", "--set", "publish.backoff.cap=500ms"]


class Journey:
    """Simulated vehicles drive until told otherwise; every run of the agent is counted.

    `agent_command` stands before the program and may shift its clock, or the like. `failure` is the test's exception.
    `agents_address` is one of the broker that only the agent uses.
    """

    def __init__(self, binary, directory, state, failure, *, vehicles=3, agent_command=(), settings=(),
                 agents_address=None):
        self.binary = binary
        self.directory = Path(directory)
        self.state = Path(state)
        self.failure = failure
        self.simulate = ["simulate", "--vehicles", str(vehicles), "--state", str(state), "--quiet", *FAST_RECONNECT]
        for setting in settings:
            self.simulate += ["--set", setting]
        self.agent_command = list(agent_command)
        self.broker = Broker(directory, free_port(), more_addresses=[agents_address] if agents_address else [])
        self.agents_url = f"mqtt://{agents_address or '127.0.0.1'}:{self.broker.port}"
        self.verifier = self.recorder = self.agent = None
        self.sampled = 0
        self.runs = 0

    def __enter__(self):
        self.broker.start()
        self.verifier = Child("verify", self.directory,
                              [self.binary, "verify", "--broker", self.broker.url, "--from-start", "--quiet"])
        # Shows that rows arrive; it need not get all of them.
        self.recorder = Child("recorder", self.directory,
                              ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port),
                               "-t", "outrider/+/telemetry", "-F", "%p"])
        self.wait_for_verifier(1)
        return self

    def __exit__(self, *_):
        for child in (self.agent, self.recorder, self.verifier):
            if child is not None:
                child.kill()
        self.broker.kill()

    def subscriptions(self):
        return self.verifier.errors().count("subscribed to")

    def wait_for_verifier(self, subscriptions):
        wait_until(lambda: self.verifier.must_run(self.failure) and self.subscriptions() >= subscriptions,
                   "the verifier subscribes", self.failure)

    def restart_broker(self):
        """With the verifier: a broker that is killed may lose what it took while nobody was there to get it."""
        before = self.subscriptions()
        self.broker.start()
        self.wait_for_verifier(before + 1)

    def start(self, *more):
        self.runs += 1
        self.agent = Child(f"agent-{self.runs}", self.directory,
                           [*self.agent_command, self.binary, *self.simulate, "--broker", self.agents_url, *more])

    def stop(self):
        """SIGTERM; what the agent says of its journey."""
        self.agent.terminate(self.failure)
        return self.account()

    def drain(self):
        """A last short run, which ends when everything has been acknowledged."""
        self.start("--seconds", "1", "--drain", "60s")
        self.agent.wait(self.failure, longest=120)
        return self.account()

    def account(self):
        summary = json.loads(self.agent.output().splitlines()[-1])
        self.sampled += summary["sampled"]
        return summary

    def status(self):
        """What the running agent says of itself."""
        asked = subprocess.run([self.binary, "status", "--json", "--state", str(self.state)], capture_output=True,
                               text=True, timeout=LIMIT, check=False)
        if asked.returncode != 0:
            raise self.failure(f"no status: {asked.stderr.strip()}")
        return json.loads(asked.stdout)

    def wait_for_rows(self):
        """Until something new arrives."""
        before = self.recorder.output_size()
        wait_until(lambda: self.agent.must_run(self.failure) and self.recorder.output_size() != before, "rows arrive",
                   self.failure)

    def rows(self):
        """Rows of telemetry that the recorder got, by vehicle, in order of arrival."""
        rows = {}
        for line in self.recorder.output().splitlines():
            with contextlib.suppress(ValueError):  # a line that is not complete yet
                message = json.loads(line)
                rows.setdefault(message["vehicle_id"], []).extend(message["rows"])
        return rows

    def cpu_seconds(self):
        """User and system time of the agent so far."""
        fields = Path(f"/proc/{self.agent.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def judge(self, board, attack, repetitions, *, epochs=1):
        """Ends the verifier; everything that was sampled must have arrived or been reported.

        `epochs`: of each stream, because it came from so many agents or buffers.
        """
        self.verifier.end()
        report = json.loads(self.verifier.output())
        board.add(attack, repetitions, rows_in=self.sampled, delivered=report["samples"],
                  reported_lost=report["reported_lost"],
                  unreported_lost=self.sampled - report["samples"] - report["reported_lost"],
                  out_of_order=report["out_of_order"], repeats=report["repeats"])
        if wrong := {name: report[name] for name in ("gaps", "out_of_order", "conflicts", "broken") if report[name]}:
            raise self.failure(f"{attack}: verify says no: {wrong}, {self.verifier.last_words()}")
        if report["epochs"] != epochs * report["streams"]:
            raise self.failure(f"{attack}: {report['epochs']} epochs of {report['streams']} streams, but a new one begins "
                               "only where numbers could repeat")
        return report
