# SPDX-License-Identifier: Apache-2.0
"""One door per library: replacing one, or finding out how it is used, means reading one place."""
import re

import includes

# Library, how its headers look, and the files (or folders, with a slash) that may include them.
DOORS = [
    ("SQLite", re.compile(r"^sqlite3(ext)?\.h$"), ("agent/store/sqlite.cpp", "agent/store/counting_vfs.cpp")),
    ("Paho MQTT", re.compile(r"^(mqtt/.*|MQTT\w+\.h)$"), ("platform/paho/",)),
    ("zlib", re.compile(r"^zlib\.h$"), ("agent/store/checksum.cpp",)),
    ("mbedTLS", re.compile(r"^(mbedtls|psa)/"), ("agent/secure/",)),
    ("nlohmann/json", re.compile(r"^nlohmann/"), ("agent/config/", "agent/command/stream_checker.cpp")),
    ("CLI11", re.compile(r"^CLI/"), ("agent/command/arguments.cpp",)),
]


def problems(files):
    return [
        file.at(line, f"<{name}> belongs behind {library}'s door: {' or '.join(doors)}")
        for file in files if includes.is_product(file)
        for line, name in includes.of(file)
        for library, pattern, doors in DOORS
        if pattern.match(name) and not is_behind(file.path, doors)
    ]


def is_behind(path, doors):
    return any(path.startswith(door) if door.endswith("/") else path == door for door in doors)


BAD = [
    ("agent/store/outbox.cpp", "#include <sqlite3.h>\n", "SQLite's door"),
    ("agent/publish/publisher.cpp", "#include <mqtt/async_client.h>\n", "Paho MQTT's door"),
    ("platform/linux/link.cpp", '#include "MQTTAsync.h"\n', "Paho MQTT's door"),
    ("agent/store/row_table.cpp", "#include <zlib.h>\n", "zlib's door"),
    ("platform/linux/link.cpp", "#include <mbedtls/ssl.h>\n", "mbedTLS's door"),
    ("agent/command/check.cpp", "#include <nlohmann/json.hpp>\n", "nlohmann/json's door"),
    ("agent/main.cpp", "#include <CLI/CLI.hpp>\n", "CLI11's door"),
]
GOOD = [
    ("agent/store/sqlite.cpp", "#include <sqlite3.h>\n"),
    ("agent/store/counting_vfs.cpp", "#include <sqlite3.h>\n"),
    ("platform/paho/paho_broker.cpp", "#include <mqtt/async_client.h>\n"),
    ("agent/secure/digest.cpp", "#include <mbedtls/sha256.h>\n"),
    ("agent/config/config.cpp", "#include <nlohmann/json.hpp>\n"),
    ("agent/command/stream_checker.cpp", "#include <nlohmann/json.hpp>\n"),
    ("tests/unit/publish/row_text_test.cpp", "#include <nlohmann/json.hpp>\n#include <sqlite3.h>\n"),
]
