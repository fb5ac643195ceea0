// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <iterator>
#include <string_view>

#include "tests/contract/broker_events.h"
#include "tests/support/tcp_listener.h"

namespace outrider {

/// A broker that says exactly what a test wants: MQTT 5 packets by the byte (OASIS MQTT 5.0, chapter 3).
struct ScriptedBroker {
  ConnectRequest request() const {
    return request_to({.host = "127.0.0.1", .port = listener.port(), .is_secure = false});
  }
  void let_in(std::string_view connack) {
    socket = listener.accept();
    const timeval longest{.tv_sec = 20, .tv_usec = 0};
    (void)::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    REQUIRE(read_packet() == 0x10);
    keep_alive = bytes[10] << 8 | bytes[11];
    send(connack);
  }
  /// First byte of the next packet of less than 128 bytes.
  int read_packet() {
    if (::recv(socket.number(), bytes.data(), 2, MSG_WAITALL) != 2) return -1;
    return ::recv(socket.number(), bytes.data() + 2, bytes[1], MSG_WAITALL) == bytes[1] ? bytes[0] : -1;
  }
  void send(std::string_view text) const {
    REQUIRE(::send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL) == std::ssize(text));
  }
  TcpListener listener;
  Descriptor socket;
  std::array<unsigned char, 130> bytes{};  ///< The last packet.
  int keep_alive = 0;                      ///< That the client asked for, in seconds.
};

inline constexpr std::string_view kPlainConnack{"\x20\x03\x00\x00\x00", 5};

}  // namespace outrider
