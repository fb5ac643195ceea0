# SPDX-License-Identifier: Apache-2.0
"""agent/ is portable and its parts meet only where the data path says so; platform/ sees ports and base only."""
import re

import includes

EVERYBODY = {"base", "ports"}
# What each folder of agent/ may include besides itself. decode, select, store and publish hand plain data to the
# loop and do not know each other, except that selection reads what decoding says and publishing drains the store.
AGENT = {
    "base": set(),
    "ports": {"base"},
    "config": EVERYBODY,
    "secure": EVERYBODY,
    "decode": EVERYBODY | {"config"},
    "select": EVERYBODY | {"config", "decode"},
    "store": EVERYBODY | {"config", "secure"},
    "publish": EVERYBODY | {"config", "secure", "store"},
    "status": EVERYBODY | {"config", "publish", "store"},
}
SEES_ALL_OF_AGENT = {"", "command"}  # agent/*.cpp, where the parts are put together.
SEES_BOTH_SIDES = {"agent/main.cpp"}

OS_HEADER = re.compile(
    r"^((linux|sys|net|netinet|arpa|asm|bits)/.*"
    r"|(unistd|fcntl|poll|signal|dirent|pthread|sched|termios|dlfcn|pwd|grp|ifaddrs|netdb|syslog|spawn|mqueue"
    r"|semaphore|strings|endian|byteswap|glob|fnmatch|ftw|utime|windows|winsock2)\.h)$")


def problems(files):
    return [problem for file in files if includes.is_product(file) for problem in of_file(file)]


def of_file(file):
    judge = agent_problem if file.path.startswith("agent/") else platform_problem
    return [file.at(line, problem) for line, name in includes.of(file) if (problem := judge(file, name))]


def agent_problem(file, name):
    if OS_HEADER.match(name):
        return f"<{name}> is the operating system's; what agent/ needs from it comes through agent/ports/"
    if name.startswith("platform/"):
        return None if file.path in SEES_BOTH_SIDES else "agent/ reaches the outside world through agent/ports/ only"
    if name.startswith("agent/"):
        return neighbour_problem(folder_of(file.path), folder_of(name), name)
    return None


def neighbour_problem(own, other, name):
    if own in SEES_ALL_OF_AGENT or own == other:
        return None
    if own not in AGENT:
        return f"agent/{own}/ has no line in the table of layers (tests/checks/layers.py): add what it may include"
    return None if other in AGENT[own] else f"agent/{own}/ may not include {name}; plain data crosses in agent.cpp"


def platform_problem(_, name):
    if name.startswith("agent/") and folder_of(name) not in EVERYBODY:
        return f"platform/ may include agent/ports/ and agent/base/ only, not {name}"
    return None


def folder_of(path):
    """The folder below agent/: "store" for "agent/store/outbox.h", "" for "agent/agent.h"."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


BAD = [
    ("agent/decode/a.cpp", '#include "platform/linux/clock.h"\n', "agent/ports/ only"),
    ("agent/agent.cpp", '  #  include "platform/paho/paho_broker.h"\n', "agent/ports/ only"),
    ("agent/store/a.cpp", "#include <unistd.h>\n", "operating system"),
    ("agent/main.cpp", "#include <sys/stat.h>\n", "operating system"),
    ("agent/command/a.cpp", "#include <linux/can.h>\n", "operating system"),
    ("agent/decode/a.h", '#include "agent/store/outbox.h"\n', "may not include"),
    ("agent/store/a.h", '#include "agent/publish/publisher.h"\n', "may not include"),
    ("agent/select/a.h", '#include "agent/publish/row_text.h"\n', "may not include"),
    ("agent/base/a.h", '#include "agent/ports/clock.h"\n', "may not include"),
    ("agent/store/a.cpp", '#include "agent/agent.h"\n', "may not include"),
    ("agent/novelty/a.cpp", '#include "agent/base/result.h"\n', "no line in the table"),
    ("platform/linux/a.cpp", '#include "agent/config/config.h"\n', "platform/ may include"),
    ("platform/paho/a.cpp", '#include "agent/agent.h"\n', "platform/ may include"),
]
GOOD = [
    ("agent/publish/a.cpp", '#include "agent/store/outbox.h"\n#include "agent/publish/publisher.h"\n'),
    ("agent/select/a.cpp", '#include "agent/decode/decoder.h"\n#include <csignal>\n'),
    ("agent/agent.cpp", '#include "agent/store/outbox.h"\n#include "agent/decode/decoder.h"\n'),
    ("agent/command/a.cpp", '#include "agent/agent.h"\n#include "agent/store/outbox.h"\n'),
    ("agent/main.cpp", '#include "platform/linux/clock.h"\n'),
    ("platform/linux/a.cpp", '#include <sys/epoll.h>\n#include "agent/ports/clock.h"\n#include "agent/base/log.h"\n'),
    ("tests/unit/store/a.cpp", '#include "platform/linux/clock.h"\n#include <unistd.h>\n'),
    ("agent/decode/a.cpp", '// #include "platform/linux/clock.h"\n'),
]
