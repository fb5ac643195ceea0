# SPDX-License-Identifier: Apache-2.0
"""A loopback of one test's own, whose kernel drops, refuses, loses or slows down what goes to and from one address.

It belongs to the thread that makes it and to the processes which that thread starts, and ends with them.
"""
import ctypes
import os
import re

from tools import Unavailable, must_have, run

CLONE_NEWNET = 0x40000000
PACKET = 1500  # bytes; the loopback's own are up to 64 KiB, and losing one is another thing then
BAD_ADDRESS = "127.0.0.2"
# Packets are lost on arrival: their sender must not notice, as it does with one that cannot leave.
RULES = f"""table ip attack {{
  chain fault {{}}
  chain arrival {{
    type filter hook input priority 0
    ip saddr {BAD_ADDRESS} jump fault
    ip daddr {BAD_ADDRESS} jump fault
  }}
}}"""
DROP = "counter drop"


def lose(percent):
    return f"numgen random mod 100 < {percent} {DROP}"


def reset(percent):
    """Answers packets with RST instead of passing them on. The other side hears nothing of it until it sends."""
    return f"tcp flags & rst == 0 numgen random mod 100 < {percent} counter reject with tcp reset"


class PrivateNetwork:
    ADDRESS = BAD_ADDRESS

    def __init__(self):
        must_have(("ip", "nft", "tc"))
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise Unavailable(f"a network of one's own needs root ({os.strerror(ctypes.get_errno())})")
        run("ip", "link", "set", "lo", "mtu", PACKET, "gso_max_segs", 1, "up")
        run("nft", RULES)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass  # the kernel clears it away with its last thread

    def fault(self, rule):
        """`rule`: what nftables does with every packet of the bad address."""
        run("nft", f"add rule ip attack fault {rule}")

    def slow_down(self, kbit):
        """In each direction, with a queue of a second at 256 kbit/s."""
        run("tc", "qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb")
        for number, end in ((1, "src"), (2, "dst")):
            run("tc", "class", "add", "dev", "lo", "parent", "1:", "classid", f"1:{number}", "htb", "rate", f"{kbit}kbit",
                "quantum", PACKET)
            run("tc", "qdisc", "add", "dev", "lo", "parent", f"1:{number}", "pfifo", "limit", 20)
            run("tc", "filter", "add", "dev", "lo", "parent", "1:", "protocol", "ip", "u32",
                "match", "ip", end, f"{BAD_ADDRESS}/32", "flowid", f"1:{number}")

    def heal(self):
        """No fault any more; how many packets they met."""
        met = run("nft", "list", "chain", "ip", "attack", "fault")
        queues = run("tc", "-s", "qdisc", "show", "dev", "lo")
        run("nft", "flush", "chain", "ip", "attack", "fault")
        if "htb" in queues:
            run("tc", "qdisc", "del", "dev", "lo", "root")
        return sum(map(int, re.findall(r"counter packets (\d+)", met) + re.findall(r"overlimits (\d+)", queues)))
