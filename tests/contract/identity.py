#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The identity of a device: `outrider key`, judged by openssl, and a certificate that changes while the agent runs.

Exit code: 0 all is as promised, 1 something is not, 77 skipped.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from processes import Broker, Child, end_with_parent, free_port, wait_until

SKIPPED = 77
USAGE, BAD_INPUT, NO, FINE = 2, 3, 1, 0


class Failure(Exception):
    """Something that must happen did not."""


def must(holds, what):
    if not holds:
        raise Failure(what)


def openssl(*command, data=None):
    done = subprocess.run(["openssl", *map(str, command)], input=data, capture_output=True, timeout=60, preexec_fn=end_with_parent)
    must(done.returncode == 0, f"openssl {' '.join(map(str, command))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Workshop:
    """A folder with a CA, and the program that is tried."""

    def __init__(self, directory, binary):
        self.directory, self.binary = directory, binary
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                "-subj", "/CN=ca", "-keyout", self / "ca.key", "-out", self / "ca.pem")

    def __truediv__(self, name):
        return self.directory / name

    def outrider(self, *command, environment=None):
        return subprocess.run([self.binary, *map(str, command)], stdin=subprocess.DEVNULL, text=True, capture_output=True,
                              timeout=120, cwd=self.directory, preexec_fn=end_with_parent,
                              env={**os.environ, **(environment or {})})

    def good(self, *command):
        done = self.outrider(*command)
        must(done.returncode == FINE, f"outrider {' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def device(self, name, days):
        """NAME.key by us, NAME.pem by the CA at our request."""
        self.good("key", "generate", "--out", f"{name}.key")
        self.good("key", "csr", "--key", f"{name}.key", "--subject", f"CN={name}", "--san", "DNS:localhost", "--out", f"{name}.csr")
        openssl("x509", "-req", "-in", self / f"{name}.csr", "-copy_extensions", "copy", "-CA", self / "ca.pem",
                "-CAkey", self / "ca.key", "-days", days, "-out", self / f"{name}.pem")


def commands_by_openssl(shop):
    for kind, text in (("ec-p256", "EC P-256"), ("rsa-2048", "RSA 2048"), ("rsa-3072", "RSA 3072")):
        key = shop / f"{kind}.key"
        shop.good("key", "generate", "--type", kind, "--out", key)
        must(key.stat().st_mode & 0o7777 == 0o600, f"{kind}: the mode is {key.stat().st_mode:o}")
        must(b"Key is valid" in openssl("pkey", "-in", key, "-check", "-noout"), f"{kind}: openssl does not say that it is valid")
        request = shop.good("key", "csr", "--key", key, "--subject", r"CN=truck-17,O=Sun\, Sea,OU=Süd,C=DE",
                            "--san", "DNS:a.example", "--san", "IP:10.0.0.7", "--san", "URI:urn:x:1").encode()
        openssl("req", "-verify", "-noout", data=request)
        text_of = openssl("req", "-noout", "-text", "-nameopt", "RFC2253,-esc_msb,utf8", data=request).decode()
        must(r"Subject: C=DE,OU=Süd,O=Sun\, Sea,CN=truck-17" in text_of, f"{kind}: the subject is not ours: {text_of}")
        must("DNS:a.example, IP Address:10.0.0.7, URI:urn:x:1" in text_of, f"{kind}: the names are not ours: {text_of}")
        must("sha256" in text_of.split("Signature Algorithm:")[1].splitlines()[0].lower(), f"{kind}: not signed with SHA-256")
        shown = json.loads(shop.good("key", "show", "--json", key))
        public = hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).hexdigest()
        must((shown["key_type"], shown["public_key_sha256"]) == (text, public), f"{kind}: shown as {shown}")
    shop.device("truck-1", 5)
    shown = shop.good("key", "show", "--json", "truck-1.pem", "truck-1.csr", "truck-1.key")
    certificate, request, key = map(json.loads, shown.splitlines())
    said = openssl("x509", "-in", shop / "truck-1.pem", "-noout", "-serial", "-fingerprint", "-sha256").decode()
    must(f"serial={certificate['serial']}\n" in said, f"the serial is not as in {said}")
    must(certificate["sha256"].upper() in said.replace(":", ""), f"the fingerprint is not as in {said}")
    must(certificate["subject"] == request["subject"] == "CN=truck-1" and certificate["issuer"] == "CN=ca", shown)
    must(certificate["names"] == ["localhost"] and certificate["days_left"] == 4, shown)
    must(key["belongs_to"] == "truck-1.pem", shown)
    secret = (shop / "truck-1.key").read_text().splitlines()[1]
    text = shop.good("key", "show", "truck-1.pem", "truck-1.key")
    must("4 days left" in text and "belongs to   truck-1.pem" in text, text)
    must(secret not in shown + text, "the key itself was shown")
    config = shop / "config.json"
    config.write_text(json.dumps({
        "vehicle_id": "truck,17", "buses": [{"name": "can0", "dbc": ["builtin:outrider_vehicle.dbc"]}],
        "publish": {"brokers": ["mqtts://localhost"], "tls": {"certificate": "truck-1.pem", "key": "truck-1.key"}}}))
    openssl("req", "-verify", "-noout", data=shop.good("key", "csr", "--config", config).encode())
    request = shop.good("key", "csr", "--config", config).encode()
    must(rb"CN = \"truck,17\"" in openssl("req", "-noout", "-subject", data=request).replace(b'"', b'\\"'), "not the vehicle's id")
    must("belongs to" in shop.good("key", "show", "--config", config), "show --config shows no pair")
    done = shop.outrider("check", config)
    must('warning: publish.tls.certificate: the certificate "CN=truck-1" expires soon' in done.stderr, done.stderr)


def credentials(shop):
    """As systemd hands them to a service: mode 0440, as an access list makes it look."""
    folder = shop / "credentials"
    folder.mkdir()
    for name in ("truck-1.pem", "truck-1.key"):
        shutil.copy(shop / name, folder / name)
        (folder / name).chmod(0o440)
    command = ("check", shop / "config.json", "--set", "publish.tls.certificate=credential:truck-1.pem",
               "--set", "publish.tls.key=credential:truck-1.key")
    done = shop.outrider(*command, environment={"CREDENTIALS_DIRECTORY": str(folder)})
    must(done.returncode == FINE and "expires soon" in done.stderr and "only the service" not in done.stderr, done.stderr)
    done = shop.outrider(*command)
    must(done.returncode == FINE and "publish.tls.key: only the service can look at credential:truck-1.key" in done.stderr,
         done.stderr)
    folder.joinpath("truck-1.key").unlink()
    done = shop.outrider(*command, environment={"CREDENTIALS_DIRECTORY": str(folder)})
    must(done.returncode == BAD_INPUT and "credential:truck-1.key cannot be read" in done.stderr, done.stderr)


def bad_input(shop):
    pem = (shop / "truck-1.pem").read_text()
    key = (shop / "truck-1.key").read_text()
    files = {"garbage": "hello\n", "broken.key": "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
             "cut.key": key[:90], "empty": "", "open.key": key, "broken.pem": pem.replace(pem[60:64], "????"),
             "public.pem": openssl("pkey", "-in", shop / "truck-1.key", "-pubout").decode(),
             "password.key": openssl("pkey", "-in", shop / "truck-1.key", "-aes128", "-passout", "pass:x").decode(),
             "old-password.key": openssl("ec", "-in", shop / "truck-1.key", "-aes128", "-passout", "pass:x").decode()}
    for name, text in files.items():
        (shop / name).write_text(text)
        (shop / name).chmod(0o600)
    (shop / "open.key").chmod(0o640)
    (shop / "folder").mkdir()
    shop.device("truck-9", 300)
    csr = ("key", "csr", "--subject", "CN=a", "--key")
    named = ("key", "csr", "--key", "truck-1.key", "--subject")
    cases = [
        (("key",), USAGE, "subcommand"),
        (("key", "generate"), USAGE, "--out is required"),
        (("key", "generate", "--out", "x.key", "--type", "dsa"), USAGE, "dsa"),
        (("key", "generate", "--out", "truck-1.key"), BAD_INPUT, "truck-1.key exists already and is left as it is"),
        (("key", "generate", "--out", "folder"), BAD_INPUT, "folder exists already"),
        (("key", "generate", "--out", "missing/x.key"), BAD_INPUT, "cannot make missing/x.key: No such file"),
        (("key", "csr", "--subject", "CN=a"), USAGE, "give --key FILE, or --config"),
        (("key", "csr", "--key", "truck-1.key"), USAGE, "give --subject"),
        ((*csr, "missing.key"), BAD_INPUT, "the private key missing.key cannot be read: No such file"),
        ((*csr, "garbage"), BAD_INPUT, "the private key garbage is none in PEM or DER form: "),
        ((*csr, "broken.key"), BAD_INPUT, "broken.key is none in PEM or DER form, but a private key: "),
        ((*csr, "cut.key"), BAD_INPUT, "cut.key is none in PEM or DER form: "),
        ((*csr, "empty"), BAD_INPUT, "the private key empty is empty"),
        ((*csr, "folder"), BAD_INPUT, "the private key folder is "),
        ((*csr, "open.key"), BAD_INPUT, "open.key is open to other users (mode 0640)"),
        ((*csr, "truck-1.pem"), BAD_INPUT, "truck-1.pem is"),
        ((*csr, "public.pem"), BAD_INPUT, "public.pem is none in PEM or DER form, but a public key: "),
        ((*csr, "password.key"), BAD_INPUT, "password.key has a password"),
        ((*csr, "old-password.key"), BAD_INPUT, "old-password.key has a password"),
        ((*csr, "credential:device.key"), BAD_INPUT, "give the unit LoadCredential=device.key:FILE"),
        ((*csr, "truck-1.key", "--out", "truck-1.csr"), BAD_INPUT, "truck-1.csr exists already"),
        ((*named, "/CN=a"), BAD_INPUT, "--subject: the subject begins with \"/\""),
        ((*named, "truck-17"), BAD_INPUT, "has no \"=\"; write TYPE=VALUE"),
        ((*named, "CN=a,X=b"), BAD_INPUT, "\"X\" is of no known type"),
        ((*named, "CN=" + 65 * "a"), BAD_INPUT, "CN has 65 characters; 64 are allowed"),
        ((*named, "CN=a", "--san", "truck-17"), BAD_INPUT, "--san: \"truck-17\" is no name of a known kind"),
        ((*named, "CN=a", "--san", "IP:10.0.0"), BAD_INPUT, "is no IPv4 address"),
        (("key", "csr", "--config", "builtin:simulator"), BAD_INPUT, "builtin:simulator has no publish.tls.key; give --key"),
        (("key", "csr", "--config", "missing.json"), BAD_INPUT, "missing.json"),
        (("key", "show"), USAGE, "give a FILE, or --config"),
        (("key", "show", "--config", "config.json", "truck-1.pem"), USAGE, "excludes"),
        (("key", "show", "--config", "builtin:simulator"), BAD_INPUT, "has neither publish.tls.certificate nor"),
        (("key", "show", "garbage"), BAD_INPUT, "the file garbage holds no certificate, request or private key"),
        (("key", "show", "public.pem"), BAD_INPUT, "in PEM or DER form, but a public key"),
        (("key", "show", "broken.pem"), BAD_INPUT, "the file broken.pem holds a certificate that cannot be read"),
        (("key", "show", "open.key"), BAD_INPUT, "chmod 600"),
        (("key", "show", "truck-9.pem", "truck-1.key"), NO, "belongs to   NONE of these certificates"),
    ]
    for command, code, says in cases:
        done = shop.outrider(*command)
        said = done.stdout + done.stderr
        must(done.returncode == code and says in said,
             f"outrider {' '.join(command)} ended with {done.returncode}, not {code}, or does not say {says!r}: {said}")
    must((shop / "truck-1.key").read_text() == key, "an existing key was overwritten")
    print(f"{len(cases)} kinds of bad input, each with its sentence")


class SecureBroker(Broker):
    """A mosquitto that lets in only who shows a certificate of the CA, and writes down whose it was."""

    def __init__(self, shop):
        directory = shop / "broker"
        directory.mkdir()
        super().__init__(directory, free_port())
        self.url = f"mqtts://localhost:{self.port}"
        with (directory / "mosquitto.conf").open("a", encoding="utf-8") as conf:
            conf.write(f"cafile {shop.directory}/ca.pem\ncertfile {shop.directory}/server.pem\nkeyfile {shop.directory}/server.key\n"
                       "require_certificate true\nuse_identity_as_username true\nlog_type all\n")

    def has_seen(self, name):
        return f"u'{name}'" in self.child.errors()


class Rotation:
    """A device whose certificate has five days left gets a new one while it drives."""

    def __init__(self, shop):
        self.shop = shop
        for name, days in (("server", 30), ("watcher", 30), ("truck-2", 300)):
            shop.device(name, days)
        self.install("truck-1.key", "device.key")
        self.install("truck-1.pem", "device.pem")
        self.broker = SecureBroker(shop)
        self.sampled = 0

    def install(self, name, place):
        """As a careful operator does it: in one step."""
        shutil.copy(self.shop / name, self.shop / "aside")
        (self.shop / "aside").rename(self.shop / place)

    def agent(self, name, *more):
        settings = [f"publish.tls.ca={self.shop.directory}/ca.pem", f"publish.tls.certificate={self.shop.directory}/device.pem",
                    f"publish.tls.key={self.shop.directory}/device.key", "publish.backoff.base=50ms", "publish.backoff.cap=200ms"]
        return Child(name, self.shop.directory,
                     [self.shop.binary, "simulate", "--quiet", "--vehicles", "2", "--state", str(self.shop / "state"),
                      "--broker", self.broker.url, *more, *(word for each in settings for word in ("--set", each))])

    def account(self, agent):
        self.sampled += json.loads(agent.output().splitlines()[-1])["sampled"]

    def status(self):
        done = self.shop.outrider("status", "--json", "--state", self.shop / "state")
        return json.loads(done.stdout) if done.returncode == FINE else {}

    def run(self):
        tls = [word for key, name in (("ca", "ca.pem"), ("certificate", "watcher.pem"), ("key", "watcher.key"))
               for word in (f"--tls-{key}", str(self.shop / name))]
        self.watch = ["mosquitto_sub", "-h", "localhost", "-p", str(self.broker.port), "--cafile", self.shop / "ca.pem",
                      "--cert", self.shop / "watcher.pem", "--key", self.shop / "watcher.key", "-q", "1", "-c", "-i", "watcher",
                      "-t", "outrider/+/events"]
        with self.broker:
            self.broker.start()
            with Child("verify", self.shop.directory, [self.shop.binary, "verify", "--broker", self.broker.url,
                                                       "--from-start", "--quiet", *tls]) as verifier:
                with Child("subscribe", self.shop.directory, [*self.watch, "-E"]) as subscriber:
                    subscriber.wait(Failure, longest=60)
                wait_until(lambda: verifier.must_run(Failure) and "subscribed to" in verifier.errors(), "verify subscribes", Failure)
                with self.agent("agent") as agent:
                    self.drive(agent)
                    agent.terminate(Failure)
                    self.account(agent)
                with self.agent("last", "--seconds", "1", "--drain", "60s") as agent:
                    agent.wait(Failure, longest=120)
                    self.account(agent)
                verifier.end()
                self.judge(json.loads(verifier.output()), verifier)

    def drive(self, agent):
        def until(holds, what):
            wait_until(lambda: agent.must_run(Failure) and holds(), lambda: f"{what}: {agent.last_words()}", Failure)

        until(lambda: self.broker.has_seen("truck-1"), "the first certificate is shown")
        with Child("events", self.shop.directory, self.watch) as events:
            until(lambda: '"event":"certificate_expires","severity":"warning"' in events.output(), "the end of it is foretold")
        until(lambda: self.status().get("certificate", {}) is not None, "the status knows a certificate")
        certificate = self.status()["certificate"]
        must((certificate["subject"], certificate["days_left"]) == ("CN=truck-1", 4), f"the status says {certificate}")

        self.install("truck-2.pem", "device.pem")  # without its key
        until(lambda: "does not belong to the certificate" in agent.errors()
              and "the certificate of before stays in use" in agent.errors(), "a pair that does not fit is noticed")
        self.broker.kill()
        self.broker.start()
        until(lambda: self.broker.has_seen("truck-1"), "the pair of before is used")
        must(not self.broker.has_seen("truck-2"), "a pair that does not fit was used")

        self.install("truck-2.key", "device.key")
        until(lambda: self.broker.has_seen("truck-2"), "the new pair is used without anybody cutting the link")
        with Child("more-events", self.shop.directory, self.watch) as events:  # mosquitto_sub ends with its connection
            until(lambda: '"event":"certificate_renewed"' in events.output(), "the renewal is told")
        until(lambda: self.status().get("certificate", {}).get("subject") == "CN=truck-2", "the status knows the new one")
        until(lambda: self.status().get("link", {}).get("mode") == "live", "the link is live again")

    def judge(self, report, verifier):
        lost = self.sampled - report["samples"] - report["reported_lost"]
        print(f"{self.sampled} samples, two certificates, a broker that was killed: {report['samples']} delivered, "
              f"{report['reported_lost']} reported lost, {lost} unreported lost, {report['out_of_order']} out of order, "
              f"{report['repeats']} repeats")
        must(lost == 0 and report["reported_lost"] == 0 and report["out_of_order"] == 0 and report["samples"] > 0,
             f"the arithmetic does not close: {self.sampled} {report}")
        must(verifier.process.returncode == 0, f"verify says no: {verifier.last_words()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = str(Path(parser.parse_args().binary).resolve())
    if not Broker.is_installed() or shutil.which("mosquitto_sub") is None or shutil.which("openssl") is None:
        print("SKIPPED: mosquitto, mosquitto_sub or openssl is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="outrider-identity-") as directory:
        shop = Workshop(Path(directory), binary)
        try:
            commands_by_openssl(shop)
            credentials(shop)
            bad_input(shop)
            Rotation(shop).run()
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
