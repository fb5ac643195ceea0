#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A network that lets only port 443 through, and the profile aws-iot: 8883 refuses, the next attempt asks 443 for the
protocol of MQTT, and after a loss that one is tried first.

    port_walk.py --binary OUTRIDER      exit code: 0 all is as promised, 1 something is not, 77 skipped
"""
import argparse
import json
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.append(str(SUPPORT))
from private_network import PrivateNetwork
from processes import Broker, Child, end_with_parent, free_port, wait_until
from tools import Unavailable

SKIPPED = 77
ALPN = "x-amzn-mqtt-ca"


class Failure(Exception):
    """Something that must happen did not."""


def must(holds, what):
    if not holds:
        raise Failure(what)


class Front:
    """Port 443 of a service that looks at the protocol asked for: without the right one there is no MQTT here."""

    def __init__(self, lab, behind):
        self.behind = behind
        self.asked = []
        self.open = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(lab / "server.pem", lab / "server.key")
        self.context.load_verify_locations(lab / "ca.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols([ALPN])
        self.listener = socket.create_server(("127.0.0.1", 443))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
                secure = self.context.wrap_socket(plain, server_side=True)
            except OSError:
                continue
            self.asked.append(secure.selected_alpn_protocol())
            if self.asked[-1] != ALPN:
                secure.close()
                continue
            onward = socket.create_connection(("127.0.0.1", self.behind))
            self.open.append(secure)
            for source, sink in ((secure, onward), (onward, secure)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(16384):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def drop(self):
        self.open.pop().shutdown(socket.SHUT_RDWR)


class Trial:
    def __init__(self, directory, binary):
        self.directory, self.binary = directory, binary
        self.lab = directory / "lab"
        self.lab.mkdir()
        subprocess.run(["bash", SUPPORT / "tls_certificates.sh", self.lab], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self):
        with Broker(self.directory, free_port()) as broker:
            broker.start()
            front = Front(self.lab, broker.port)
            settings = ["broker.profile=aws-iot", "publish.stable_after=1s", "publish.backoff.base=50ms",
                        "publish.backoff.cap=200ms", f"publish.tls.ca={self.lab}/ca.pem",
                        f"publish.tls.certificate={self.lab}/client.pem", f"publish.tls.key={self.lab}/client.key"]
            with Child("agent", self.directory, [
                    self.binary, "simulate", "--quiet", "--state", self.directory / "state", "--broker",
                    "mqtts://localhost", *(word for each in settings for word in ("--set", each))]) as agent:
                self.walk(agent, front)
                agent.terminate(Failure)
            print("connected through", ", ".join(front.asked))

    def walk(self, agent, front):
        link = self.link_when(agent, lambda link: link["mode"] == "live")
        must(link["broker"] == "localhost:443", f"the status says {link}")
        must(link["failures"]["network"] == 1, f"one port refused, the status says {link}")
        must(":8883" in link["last_error"], f"the last error is {link['last_error']!r}")
        self.link_when(agent, lambda link: link["for_seconds"] > 1.2)
        front.drop()
        link = self.link_when(agent, lambda link: link["mode"] == "live" and link["connects"] == 2)
        must(link["broker"] == "localhost:443" and link["failures"]["network"] == 2,
             f"what worked was not tried first: {link}")
        must(front.asked == [ALPN, ALPN], f"it asked for {front.asked}")

    def link_when(self, agent, holds):
        seen = {}

        def looks_right():
            agent.must_run(Failure)
            done = subprocess.run([self.binary, "status", "--json", "--state", self.directory / "state"], text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60, preexec_fn=end_with_parent)
            if done.returncode == 0:
                seen.update(json.loads(done.stdout)["link"])
            return bool(seen) and holds(seen)

        wait_until(looks_right, lambda: f"the link is {seen}", Failure)
        return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = parser.parse_args().binary
    if not Broker.is_installed() or shutil.which("openssl") is None:
        print("SKIPPED: mosquitto or openssl is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="outrider-ports-") as directory:
        try:
            with PrivateNetwork():  # where 443 is free, and 8883 refuses
                Trial(Path(directory), binary).run()
        except Unavailable as reason:
            print(f"SKIPPED: {reason}")
            return SKIPPED
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
