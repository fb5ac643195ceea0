#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network between the agent and its broker is bad for a while, and then works again.

    network.py --binary OUTRIDER --way relay|kernel [--seconds N] [ATTACK…]

A relay of ours makes the faults that any machine can have. The kernel makes those of packets, in a network of the test's
own, which needs root. During each fault a backlog must build up, and be gone after it while the vehicles drive on;
nothing may be lost, reported or not. Exit code: 0 held, 1 broken, 77 skipped.
"""
import argparse
import contextlib
import math
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import private_network
import tools
from journey import Journey
from private_network import PrivateNetwork
from processes import LIMIT, Broker, wait_until
from relay import Relay
from scoreboard import Scoreboard

VEHICLES = 80            # about 80 KB/s
STORM_RATE = 64_000      # bytes/s, so that resets meet messages on their way
SLOW_RATE = 32_000       # bytes/s: 256 kbit/s
BETWEEN_KILLS = 64_000   # bytes of a backlog that pass
MEMORY_DISK = 1 << 30    # bytes free
FEW = 2                  # attacks at once where all share a disk
POLL = 0.4               # seconds; each look is a process
DRAINED = 2.0            # seconds that the oldest row may wait when the link keeps up
PATIENT = "publish.ack_timeout=10min"
IMPATIENT = ("publish.ack_timeout=2s", "publish.connect_timeout=2s")
SHORT = 15               # seconds; the timeouts are 30
TWIN_SETTINGS = ("publish.backoff.cap=4s", "publish.client_id=twin")
TWIN_COMPLAINT = "another client connected as \"twin\""
TWIN_FIGHTS = 3          # until the agents have stepped back and say why


class Failure(Exception):
    """A promise was broken, or something that must happen did not."""


@dataclass(frozen=True)
class Attack:
    fault: Callable                 # a context manager of a trial; the fault lasts while it is open
    settings: tuple = ()
    least_age: float = 1.0          # seconds that the oldest row must have waited when the fault ends
    least_seconds: float = 0        # that the fault must last to be one
    most_seconds: float = math.inf  # that it may last to be one
    may_lose_link: Callable = lambda losses: True  # so often


def main():
    options = read_options()
    board = Scoreboard()
    try:
        tools.must_have(("mosquitto_sub",))
        if not Broker.is_installed():
            raise tools.Unavailable("mosquitto is not installed")
        attacks = ATTACKS[options.way]
        names = options.attacks or list(attacks)
        with ThreadPoolExecutor(len(names) if memory_disk() else FEW) as at_once:  # they mostly wait
            kept = list(at_once.map(lambda name: withstand(name, attacks[name], options, board), names))
    except tools.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77
    board.show()
    return 0 if board.holds() and all(kept) else 1


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program outrider")
    parser.add_argument("--way", required=True, choices=ATTACKS, help="who makes the faults")
    parser.add_argument("--seconds", type=float, default=5, help="how long each fault lasts")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help="only these")
    options = parser.parse_args()
    if unknown := set(options.attacks) - set(ATTACKS[options.way]):
        parser.error(f"no such attack: {', '.join(sorted(unknown))}; there are: {', '.join(ATTACKS[options.way])}")
    options.seconds *= int(os.environ.get("OUTRIDER_CRASH_SCALE", "1"))  # tests/run.sh --crash-scale
    return options


def withstand(name, attack, options, board):
    """True when every promise was kept."""
    # A network of one's own belongs to this thread, so it must be there before the first process.
    network = PrivateNetwork() if options.way == "kernel" else None
    with tempfile.TemporaryDirectory(prefix="outrider-network-", dir=memory_disk()) as directory:
        try:
            with Journey(options.binary, directory, Path(directory, "state"), Failure, vehicles=VEHICLES,
                         settings=(*attack.settings, *disk_settings()), agents_address=network and network.ADDRESS) as journey, \
                    network or Relay(journey.broker.port) as way:
                if network is None:
                    journey.agents_url = way.url
                seconds = min(max(options.seconds, attack.least_seconds), attack.most_seconds)
                Trial(name, attack, journey, way, seconds).run(board)
        except Failure as failure:
            print(f"BROKEN: {name}: {failure}", flush=True)
            return False
    return True


def memory_disk():
    """So many agents and brokers would wait for one disk, and the disk is not what is under attack. Containers often have a
    small one, which would become full: an attack of another kind."""
    folder = "/dev/shm"
    return folder if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > MEMORY_DISK else None


def disk_settings():
    return () if memory_disk() else ("buffer.commit_interval=2s",)


def must(holds, complaint):
    if not holds:
        raise Failure(complaint)


class Trial:
    """One fault in the middle of one journey."""

    def __init__(self, name, attack, journey, way, seconds):
        self.name = name
        self.attack = attack
        self.journey = journey
        self.way = way
        self.seconds = seconds
        self.repetitions = 1
        self.hits = ""    # what the fault did, for a person
        self.twins = []   # other agents that took part, and have been stopped

    def run(self, board):
        self.journey.start()
        self.journey.wait_for_rows()
        with self.attack.fault(self):
            time.sleep(self.seconds)
            age = self.backlog_age()
            must(age >= self.attack.least_age, f"the oldest row waits for {age:.1f} s only, so this was no fault")
        took = self.drain_while_driving()
        link = self.journey.status()["link"]
        print(f"{self.name}: {self.hits}; {age:.1f} s of backlog, gone in {took:.1f} s; connected {link['connects']} "
              f"times; last trouble: {link['last_error'] or 'none'}", flush=True)
        must(self.attack.may_lose_link(link["losses"]), f"the link was lost {link['losses']} times")
        must(link["buried"] == 0, f"{link['buried']} rows were given up, and it was the network")
        self.journey.stop()
        self.judge(board)

    def backlog_age(self):
        self.journey.agent.must_run(Failure)
        time.sleep(POLL)
        return self.journey.status()["backlog"]["telemetry"]["oldest_age_seconds"] or 0.0

    def drain_while_driving(self):
        began = time.monotonic()
        wait_until(lambda: self.backlog_age() < DRAINED, lambda: f"the backlog drains; {self.journey.agent.last_words()}",
                   Failure, longest=LIMIT + self.seconds)
        return time.monotonic() - began

    def judge(self, board):
        self.journey.drain()
        for twin in self.twins:
            twin.drain()
            self.journey.sampled += twin.sampled
        report = self.journey.judge(board, self.name, self.repetitions, epochs=1 + len(self.twins))
        must(report["reported_lost"] == 0, f"{report['reported_lost']} samples were given up")


# --- what the kernel does to packets ---


def packets(rule):
    @contextlib.contextmanager
    def fault(trial):
        trial.way.fault(rule)
        yield
        end_of_packets(trial)
    return fault


@contextlib.contextmanager
def loss_after_tunnel(trial):
    """TCP keeps up with the vehicles at this loss, so the backlog comes from a tunnel and goes while packets are lost."""
    trial.way.fault(private_network.DROP)
    wait_until(lambda: trial.backlog_age() > 3, "a backlog builds up in the tunnel", Failure)
    trial.way.heal()
    trial.way.fault(private_network.lose(20))
    yield
    end_of_packets(trial)


def end_of_packets(trial):
    met = trial.way.heal()
    must(met > 0, "no packet met the fault, so this attack was none")
    trial.hits = f"{met} packets"


@contextlib.contextmanager
def slow_packets(trial):
    trial.way.slow_down(256)
    yield
    end_of_packets(trial)


@contextlib.contextmanager
def vanished_broker(trial):
    """Its kernel has no connection any more when the link is back."""
    trial.way.fault(private_network.DROP)
    trial.journey.broker.kill()
    yield
    trial.journey.restart_broker()
    end_of_packets(trial)


# --- what a relay does to connections ---


@contextlib.contextmanager
def stall(trial):
    trial.way.stall()
    yield
    trial.way.heal()
    held_up(trial)


@contextlib.contextmanager
def stalls_of_loss(trial):
    trial.way.stall_as_if_losing(0.2)
    yield
    trial.way.heal()
    held_up(trial)


def held_up(trial):
    counts = trial.way.counts
    must(counts.held_up > 0, "nothing was held up, so this attack was none")
    trial.hits = f"{counts.held_up} bytes held up"


@contextlib.contextmanager
def slow(trial):
    before = trial.way.counts.passed
    trial.way.limit(SLOW_RATE)
    yield
    trial.hits = f"{trial.way.counts.passed - before} bytes passed in {trial.seconds:.0f} s"
    trial.way.heal()


@contextlib.contextmanager
def reset_storm(trial):
    has_ended = threading.Event()

    def storm():
        while not has_ended.wait(random.uniform(0.05, 0.5)):
            trial.way.reset()

    trial.way.limit(STORM_RATE)
    with ThreadPoolExecutor(1) as thunder:
        raging = thunder.submit(storm)
        try:
            yield
        finally:
            has_ended.set()
        raging.result()
    trial.way.heal()
    trial.repetitions = trial.way.counts.resets
    trial.hits = f"{trial.repetitions} resets"
    must(trial.repetitions > 1, f"{trial.hits} are no storm")


@contextlib.contextmanager
def forgotten_connection(trial):
    """A box on the way takes all that the agent sends, says nothing, and takes new connections to a new broker."""
    trial.way.stall()
    trial.journey.broker.kill()
    trial.way.forget()
    yield
    trial.journey.restart_broker()
    trial.way.heal()
    wait_until(lambda: trial.way.counts.connections > 1, "the agent tries another connection", Failure)
    trial.hits = f"{trial.way.counts.swallowed} bytes swallowed"
    must(trial.way.counts.swallowed > 0, "the agent sent nothing into the dead connection, so this attack was none")


@contextlib.contextmanager
def broker_killed_in_backlog(trial):
    trial.way.limit(SLOW_RATE)
    yield
    trial.repetitions = max(4, round(trial.seconds))
    for _ in range(trial.repetitions):
        passed = trial.way.counts.passed
        wait_until(lambda: trial.way.counts.passed > passed + BETWEEN_KILLS, "a part of the backlog passes", Failure)
        must(trial.backlog_age() > trial.attack.least_age, "there is no backlog, so this attack is none")
        trial.journey.broker.kill()
        trial.journey.restart_broker()
    trial.way.heal()
    trial.hits = f"{trial.repetitions} kills"


@contextlib.contextmanager
def twin(trial):
    """Another agent with the same configuration, and a buffer of its own: the same client id, the same vehicles."""
    journey = trial.journey
    directory = journey.directory / "twin"
    directory.mkdir()
    other = Journey(journey.binary, directory, directory / "state", Failure, vehicles=VEHICLES, settings=TWIN_SETTINGS)
    other.agents_url = journey.agents_url
    with contextlib.ExitStack() as stack:
        stack.push(other)  # its broker and verifier are not used
        both = (journey, other)
        other.start()
        wait_until(lambda: min(map(losses, both)) >= TWIN_FIGHTS, "each throws the other out", Failure)
        wait_until(lambda: trial.backlog_age() > 1, "the one that is out has a backlog", Failure)
        before = [losses(each) for each in both]
        yield
        fights = [losses(each) - then for each, then in zip(both, before)]
        # On average half of the cap; a tight loop has some in every tenth of a second.
        must(max(fights) <= 2 * trial.seconds + 3, f"thrown out {fights} times in {trial.seconds:.0f} s")
        for each in both:
            must(TWIN_COMPLAINT in each.agent.errors(), f"an agent does not say what is wrong: {each.agent.last_words()}")
        trial.repetitions = sum(map(losses, both))
        trial.hits = f"thrown out {trial.repetitions} times, of them {sum(fights)} in the last {trial.seconds:.0f} s"
        other.stop()
        trial.twins.append(other)


def losses(journey):
    return journey.status()["link"]["losses"]


def is_kept(losses):
    return losses == 0


def is_lost(losses):
    return losses > 0


ATTACKS = {
    "relay": {
        "a pause, shorter than the timeouts": Attack(stall, least_age=3, most_seconds=SHORT, may_lose_link=is_kept),
        "reset storm": Attack(reset_storm, may_lose_link=is_lost),
        "reset storm, MQTT 3.1.1": Attack(reset_storm, ("publish.mqtt=3.1.1",), may_lose_link=is_lost),
        "stalls as 20 % loss makes them": Attack(stalls_of_loss),
        "256 kbit/s, relayed": Attack(slow, may_lose_link=is_kept),
        "half-open, noticed by the keep-alive": Attack(forgotten_connection, (PATIENT, "publish.keep_alive=5s"),
                                                       least_age=3, may_lose_link=is_lost),
        "broker kill -9 in a backlog": Attack(broker_killed_in_backlog, may_lose_link=is_lost),
        "two agents, one client id": Attack(twin, TWIN_SETTINGS, least_age=0, may_lose_link=is_lost),
    },
    "kernel": {
        "black hole, shorter than the timeouts": Attack(packets(private_network.DROP), least_age=3, most_seconds=SHORT,
                                                        may_lose_link=is_kept),
        "black hole, longer than the timeouts": Attack(packets(private_network.DROP), IMPATIENT, least_age=3,
                                                       may_lose_link=is_lost),
        "black hole, noticed by TCP alone": Attack(packets(private_network.DROP), (PATIENT, "publish.keep_alive=1h"),
                                                   least_age=30, least_seconds=33, may_lose_link=is_lost),
        "RST for 3 % of the packets": Attack(packets(private_network.reset(3)), ("publish.connect_timeout=2s",), least_age=0,
                                             may_lose_link=is_lost),
        "20 % of the packets lost": Attack(loss_after_tunnel, least_age=0),
        "256 kbit/s": Attack(slow_packets, may_lose_link=is_kept),
        "half-open, the broker is another one": Attack(vanished_broker, least_age=3, may_lose_link=is_lost),
    },
}


if __name__ == "__main__":
    sys.exit(main())
