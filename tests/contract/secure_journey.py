#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way through TLS: vehicles, an outage, a mosquitto that demands certificates, and `outrider verify` behind it.

And what people are told: by `outrider check` of files that are no good, by `outrider status` of a broker that cannot be
trusted, and of a clock that is not set yet. Exit code: 0 all is as promised, 1 something is not, 77 skipped.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.append(str(SUPPORT))
from processes import Broker, Child, end_with_parent, free_port, wait_until

SKIPPED = 77
QUICKLY = ("publish.backoff.base=50ms", "publish.backoff.cap=200ms")


class Failure(Exception):
    """Something that must happen did not."""


def must(holds, what):
    if not holds:
        raise Failure(what)


class SecureBroker(Broker):
    """A mosquitto that lets in only who shows a certificate of the CA."""

    def __init__(self, directory, lab):
        super().__init__(directory, free_port())
        self.url = f"mqtts://localhost:{self.port}"
        with Path(directory, "mosquitto.conf").open("a", encoding="utf-8") as conf:
            conf.write(f"cafile {lab}/ca.pem\ncertfile {lab}/server.pem\nkeyfile {lab}/server.key\n"
                       f"crlfile {lab}/crl.pem\nrequire_certificate true\n")


class Trial:
    def __init__(self, directory, binary):
        self.directory, self.binary = directory, binary
        self.lab = directory / "lab"
        self.lab.mkdir()
        subprocess.run(["bash", SUPPORT / "tls_certificates.sh", self.lab], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.broker = SecureBroker(directory, self.lab)

    def run(self):
        self.files_are_checked()
        with self.broker:
            self.broker.start()
            self.journey_with_an_outage()
            self.broker_that_is_not_trusted()
            self.plain_text_is_refused()
            self.clock_that_is_not_set()

    def tls(self, client="client", ca="ca"):
        return {"ca": f"{self.lab}/{ca}.pem", "certificate": f"{self.lab}/{client}.pem", "key": f"{self.lab}/{client}.key"}

    def settings(self, **tls):
        values = [f"publish.tls.{key}={value}" for key, value in self.tls(**tls).items()]
        return [word for value in (*values, *QUICKLY) for word in ("--set", value)]

    def outrider(self, *command):
        return subprocess.run([self.binary, *command], stdin=subprocess.DEVNULL, text=True, capture_output=True,
                              timeout=60, preexec_fn=end_with_parent)

    def check(self, *changes, code, says):
        config = self.directory / "config.json"
        config.write_text(json.dumps({
            "vehicle_id": "v", "buses": [{"name": "can0", "dbc": ["builtin:outrider_vehicle.dbc"]}],
            "publish": {"brokers": ["mqtts://broker.example"], "tls": self.tls()}}))
        done = self.outrider("check", str(config), *(word for change in changes for word in ("--set", change)))
        must(done.returncode == code and says in done.stdout + done.stderr,
             f"check {changes} ended with {done.returncode}, not {code}, or does not say {says!r}: {done.stdout}{done.stderr}")

    def files_are_checked(self):
        lab = self.lab
        self.check(code=0, says="broker.example:8883, TLS")
        self.check(f"publish.tls.ca={lab}/missing", code=3, says=f"publish.tls.ca: the CA file {lab}/missing cannot be read")
        self.check(f"publish.tls.key={lab}/server.key", code=3,
                   says=f"publish.tls.key: the private key {lab}/server.key does not belong to the certificate")
        self.check(f"publish.tls.certificate={lab}/client-expired.pem", f"publish.tls.key={lab}/client-expired.key", code=0,
                   says='warning: publish.tls.certificate: the certificate "CN=client-expired" expired at 2024-02-01')
        self.check(f"publish.tls.crl={lab}/crl-old.pem", code=0, says="warning: publish.tls.crl: the list of revoked")
        self.check(f"publish.tls.crl={lab}/ca.key", code=3, says="publish.tls.crl: the list of revoked certificates")
        self.check('publish.brokers=["mqtt://broker.example"]', code=3, says="publish.brokers[0]")
        self.check('publish.brokers=["mqtt://broker.example"]', "publish.allow_plain_text=true", code=0,
                   says="warning: publish.brokers[0]: leads to broker.example:1883 in plain text")
        (lab / "client.key").chmod(0o640)
        self.check(code=3, says=f"publish.tls.key: the private key {lab}/client.key is open to other users (mode 0640)")
        (lab / "client.key").chmod(0o600)

    def journey_with_an_outage(self):
        tls = [word for key, value in self.tls("client-rsa").items() for word in (f"--tls-{key}", value)]
        with Child("verify", self.directory, [self.binary, "verify", "--broker", self.broker.url, "--from-start",
                                              "--quiet", *tls]) as verifier:
            wait_until(lambda: verifier.must_run(Failure) and "subscribed to" in verifier.errors(), "verify subscribes",
                       Failure)
            with self.agent("journey", "--vehicles", "2", "--seconds", "5", "--outage", "1500ms@1s", "--drain", "60s",
                            *self.settings()) as agent:
                agent.wait(Failure, longest=120)
                summary = json.loads(agent.output().splitlines()[-1])
            verifier.end()
            report = json.loads(verifier.output())
        lost = summary["sampled"] - report["samples"] - report["reported_lost"]
        print(f"{summary['sampled']} samples through TLS and an outage: {report['samples']} delivered, "
              f"{report['reported_lost']} reported lost, {lost} unreported lost, {report['out_of_order']} out of order, "
              f"{report['repeats']} repeats")
        must(lost == 0 and report["reported_lost"] == 0 and report["out_of_order"] == 0 and report["samples"] > 0,
             f"the arithmetic does not close: {summary} {report}")
        must(verifier.process.returncode == 0, f"verify says no: {verifier.last_words()}")

    def broker_that_is_not_trusted(self):
        why = 'the broker\'s certificate comes from the CA "CN=ca", which is not in'
        with self.agent("distrust", *self.settings(ca="other-ca")) as agent:
            status = self.status_when(agent, lambda link: link["failures"]["server_certificate"] > 1)
            must(why in status["last_error"], f"the status says {status['last_error']!r}")
            text = self.outrider("status", "--state", str(self.directory / "distrust")).stdout
            must(why in text and "failures: server certificate " in text, f"the status screen is {text}")

    def plain_text_is_refused(self):
        done = self.outrider("simulate", "--seconds", "1", "--broker", "mqtt://10.0.0.1")
        must(done.returncode == 3 and "set publish.allow_plain_text to true" in done.stderr, done.stderr)
        done = self.outrider("verify", "--broker", "mqtt://10.0.0.1")
        must(done.returncode == 2 and "give --allow-plain-text" in done.stderr, done.stderr)

    def clock_that_is_not_set(self):
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            print("SKIPPED: a clock that is not set: faketime is not installed")
            return
        date = self.directory / "date"
        date.write_text("-56y\n")
        before = ["env", f"LD_PRELOAD={found[0]}", f"FAKETIME_TIMESTAMP_FILE={date}", "FAKETIME_NO_CACHE=1",
                  "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", "ASAN_OPTIONS=verify_asan_link_order=0"]
        with self.agent("timeless", *self.settings(), before=before) as agent:
            status = self.status_when(agent, lambda link: link["failures"]["time"] > 1)
            must(status["last_error"].count("waiting for the time: ") == 1, f"the status says {status['last_error']!r}")
            must(sum(status["failures"].values()) == status["failures"]["time"], f"failures are {status['failures']}")
            date.write_text("+0\n")
            self.status_when(agent, lambda link: link["mode"] == "live")

    def agent(self, name, *more, before=()):
        return Child(name, self.directory, [*before, self.binary, "simulate", "--quiet", "--state", self.directory / name,
                                            "--broker", self.broker.url, *more])

    def status_when(self, agent, holds):
        """The agent's link as soon as it is as wanted."""
        seen = {}

        def looks_right():
            agent.must_run(Failure)
            done = self.outrider("status", "--json", "--state", str(self.directory / agent.name))
            if done.returncode == 0:
                seen.update(json.loads(done.stdout)["link"])
            return bool(seen) and holds(seen)

        wait_until(looks_right, lambda: f"{agent.name}: its link is {seen}", Failure)
        return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = parser.parse_args().binary
    if not Broker.is_installed() or shutil.which("openssl") is None:
        print("SKIPPED: mosquitto or openssl is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="outrider-secure-") as directory:
        try:
            Trial(Path(directory), binary).run()
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
