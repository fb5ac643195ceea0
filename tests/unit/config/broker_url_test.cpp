// SPDX-License-Identifier: Apache-2.0
#include "agent/config/broker_url.h"

#include <doctest/doctest.h>

namespace outrider {
namespace {

TEST_CASE("broker url: host and port are read, and the port has a default") {
  const struct {
    std::string url;
    std::string host;
    int port;
    bool is_secure;
  } cases[] = {{"mqtt://broker", "broker", 1883, false},
               {"mqtt://127.0.0.1:1884", "127.0.0.1", 1884, false},
               {"MQTT://Broker.Example:65535", "Broker.Example", 65535, false},
               {"mqtt://my_broker-2:1", "my_broker-2", 1, false},
               {"mqtt://[::1]:1883", "::1", 1883, false},
               {"mqtt://[fe80::1%eth0]", "fe80::1%eth0", 1883, false},
               {"mqtts://broker", "broker", 8883, true},
               {"MQTTS://broker:443", "broker", 443, true},
               {"mqtts://[::1]", "::1", 8883, true}};
  for (const auto& one : cases) {
    CAPTURE(one.url);
    const Result<BrokerAddress> address = parse_broker_url(one.url);
    REQUIRE(address);
    CHECK(address->host == one.host);
    CHECK(address->port == one.port);
    CHECK(address->is_secure == one.is_secure);
  }
}

TEST_CASE("broker url: what cannot be dialled is refused with what would be right") {
  const struct {
    std::string url;
    std::string problem;
  } cases[] = {
      {"", "is \"\", which has no \"mqtts://\" in front; write mqtts://HOST or mqtts://HOST:PORT"},
      {"broker",
       "is \"broker\", which has no \"mqtts://\" in front; write mqtts://HOST or mqtts://HOST:PORT"},
      {"broker:1883",
       "is \"broker:1883\", which has no \"mqtts://\" in front; write mqtts://HOST or mqtts://HOST:PORT"},
      {"tcp://broker",
       "is \"tcp://broker\", which other programs write for mqtt://; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"ssl://broker",
       "is \"ssl://broker\", which other programs write for mqtts://; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"ws://broker",
       "is \"ws://broker\", but MQTT over WebSocket is not supported; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"http://broker",
       "is \"http://broker\", which has the unknown scheme \"http\"; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"mqtt://",
       "is \"mqtt://\", which has no good host name or address; write mqtts://HOST or mqtts://HOST:PORT"},
      {"mqtt://:1883",
       "is \"mqtt://:1883\", which has no good host name or address; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"mqtt://bro ker",
       "is \"mqtt://bro ker\", which has no good host name or address; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"mqtt://broker:",
       "is \"mqtt://broker:\", which has no good port; write a number from 1 to 65535 after the ':'"},
      {"mqtt://broker:0",
       "is \"mqtt://broker:0\", which has no good port; write a number from 1 to 65535 after the ':'"},
      {"mqtt://broker:65536",
       "is \"mqtt://broker:65536\", which has no good port; write a number from 1 to 65535 after the ':'"},
      {"mqtt://broker:18x",
       "is \"mqtt://broker:18x\", which has no good port; write a number from 1 to 65535 after the ':'"},
      {"mqtt://broker/topic",
       "is \"mqtt://broker/topic\", which has more than host and port; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"mqtt://user:secret@broker",
       "has a user name in it; write it as publish.username, and the password into a file "
       "(publish.password_file)"},
      {"mqtt://::1",
       "is \"mqtt://::1\", which has several colons; write an IPv6 address in brackets, like "
       "mqtts://[::1]:8883"},
      {"mqtt://[::1",
       "is \"mqtt://[::1\", which has no good host name or address; write mqtts://HOST or mqtts://HOST:PORT"},
      {"mqtt://[]",
       "is \"mqtt://[]\", which has no good host name or address; write mqtts://HOST or mqtts://HOST:PORT"},
      {"mqtt://[broker]",
       "is \"mqtt://[broker]\", which has no good host name or address; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {"mqtt://[::1]1883",
       "is \"mqtt://[::1]1883\", which has no good port; write a number from 1 to 65535 after the ':'"},
      {"mqtt://-broker",
       "is \"mqtt://-broker\", which has no good host name or address; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.url);
    const Result<BrokerAddress> address = parse_broker_url(one.url);
    REQUIRE_FALSE(address);
    CHECK(address.error().fault == Fault::kReject);
    CHECK(address.error().text == one.problem);
  }
}

TEST_CASE("broker url: plain text stays on this machine, unless it is allowed to leave") {
  for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "127.8.9.1", "::1"}) {
    CAPTURE(host);
    CHECK_FALSE(plain_text_problem({.host = host, .port = 1883, .is_secure = false}, "allow it"));
  }
  for (const char* host :
       {"broker", "10.0.0.1", "127.0.0.1.example", "localhost.example", "::2", "128.0.0.1", "0.0.0.0"}) {
    CAPTURE(host);
    CHECK(plain_text_problem({.host = host, .port = 1883, .is_secure = false}, "allow it"));
    CHECK_FALSE(plain_text_problem({.host = host, .port = 8883, .is_secure = true}, "allow it"));
  }
}

TEST_CASE("broker url: a password is never repeated in a message") {
  const Result<BrokerAddress> address = parse_broker_url("mqtt://user:secret@broker");
  REQUIRE_FALSE(address);
  CHECK(address.error().text.find("secret") == std::string::npos);
}

}  // namespace
}  // namespace outrider
