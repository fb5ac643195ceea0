// SPDX-License-Identifier: Apache-2.0
#include "tests/support/raw_subscriber.h"

#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

// First bytes of packets (OASIS MQTT 3.1.1, section 2.2).
constexpr unsigned char kConnect = 0x10;
constexpr unsigned char kConnack = 0x20;
constexpr unsigned char kSubscribe = 0x82;
constexpr unsigned char kSuback = 0x90;
constexpr unsigned char kPublish = 0x30;

unsigned byte_at(const std::string& bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes.at(index));
}

std::string framed(unsigned char first, const std::string& body) {
  return std::string{static_cast<char>(first), static_cast<char>(body.size())} +
         body;  // bodies here are below 128
}

std::string text_field(const std::string& text) {
  return std::string{static_cast<char>(text.size() >> 8U), static_cast<char>(text.size() & 0xFFU)} + text;
}

}  // namespace

RawSubscriber::RawSubscriber(std::uint16_t port, const std::string& filter) : socket_(connect_to(port)) {
  if (!socket_.is_open()) throw std::runtime_error("the raw subscriber does not reach the broker");
  const std::string clean_session_no_keep_alive{'\x04', '\x02', '\x00', '\x00'};
  send(framed(kConnect, text_field("MQTT") + clean_session_no_keep_alive + text_field("")));
  const auto connack = packet(10'000);
  if (!connack || byte_at(*connack, 0) != kConnack || byte_at(*connack, 2) != 0) {
    throw std::runtime_error("the raw subscriber was not let in");
  }
  send(framed(kSubscribe, std::string{'\x00', '\x01'} + text_field(filter) + '\x00'));
  const auto suback = packet(10'000);
  if (!suback || byte_at(*suback, 0) != kSuback)
    throw std::runtime_error("the raw subscriber is not subscribed");
}

std::optional<RawSubscriber::Message> RawSubscriber::next(int limit_ms) {
  while (const auto bytes = packet(limit_ms)) {
    if ((byte_at(*bytes, 0) & 0xF0U) != kPublish) continue;
    const std::size_t topic_size = byte_at(*bytes, 1) << 8U | byte_at(*bytes, 2);
    return Message{.topic = bytes->substr(3, topic_size),
                   .payload = bytes->substr(3 + topic_size),
                   .is_retained = (byte_at(*bytes, 0) & 1U) != 0};
  }
  return std::nullopt;
}

void RawSubscriber::send(const std::string& packet) const {
  if (::send(socket_.number(), packet.data(), packet.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(packet.size())) {
    throw std::runtime_error("the raw subscriber cannot send");
  }
}

std::optional<std::string> RawSubscriber::receive(std::size_t count, int limit_ms) const {
  std::string bytes(count, '\0');
  for (std::size_t have = 0; have < count;) {
    pollfd ready{socket_.number(), POLLIN, 0};
    if (::poll(&ready, 1, limit_ms) <= 0) return std::nullopt;
    const ssize_t more = ::recv(socket_.number(), bytes.data() + have, count - have, 0);
    if (more <= 0) return std::nullopt;
    have += static_cast<std::size_t>(more);
  }
  return bytes;
}

std::optional<std::string> RawSubscriber::packet(int limit_ms) const {
  const auto first = receive(1, limit_ms);
  if (!first) return std::nullopt;
  std::size_t length = 0;
  for (unsigned shift = 0; shift <= 21; shift += 7) {
    const auto digit = receive(1, limit_ms);
    if (!digit) return std::nullopt;
    length |= (byte_at(*digit, 0) & 0x7FU) << shift;
    if ((byte_at(*digit, 0) & 0x80U) == 0) break;
  }
  const auto body = receive(length, limit_ms);
  if (!body) return std::nullopt;
  return *first + *body;
}

}  // namespace outrider
