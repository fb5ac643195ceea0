// SPDX-License-Identifier: Apache-2.0
#include "agent/config/broker_url.h"

#include <algorithm>
#include <charconv>

#include "agent/config/problems.h"
#include "agent/config/suggest.h"

namespace outrider {
namespace {

constexpr std::string_view kRight = "write mqtts://HOST or mqtts://HOST:PORT";
constexpr std::uint16_t kSecurePort = 8883;  // IANA: secure-mqtt
constexpr std::size_t kLongestHost = 253;    // RFC 1035 section 2.3.4, as text

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

Error refuse(std::string_view url, std::string_view what) {
  return reject("is " + in_quotes(url) + ", " + std::string(what));
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Underscores are no part of a host name, but container networks use them.
bool is_host_name(std::string_view host) {
  const auto is_allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; };
  return !host.empty() && host.size() <= kLongestHost && host.front() != '-' && host.front() != '.' &&
         std::all_of(host.begin(), host.end(), is_allowed);
}

/// What may stand in brackets; whether it is an address is for the resolver to say.
bool is_ipv6(std::string_view host) {
  const std::string_view address = host.substr(0, host.find('%'));
  const auto is_allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  };
  const std::string_view zone = host.substr(address.size());
  return address.find(':') != std::string_view::npos && host.size() <= kLongestHost && zone.size() != 1 &&
         std::all_of(address.begin(), address.end(), is_allowed) &&
         std::all_of(zone.begin(), zone.end(), [](char c) { return c == '%' || is_letter_or_digit(c); });
}

std::optional<Error> scheme_problem(std::string_view url, std::size_t separator) {
  if (separator == std::string_view::npos)
    return refuse(url, "which has no \"mqtts://\" in front; " + std::string(kRight));
  const std::string scheme = lower_case(url.substr(0, separator));
  if (scheme == "mqtt" || scheme == "mqtts") return std::nullopt;
  if (scheme == "ssl" || scheme == "tls")
    return refuse(url, "which other programs write for mqtts://; " + std::string(kRight));
  if (scheme == "tcp") return refuse(url, "which other programs write for mqtt://; " + std::string(kRight));
  if (scheme == "ws" || scheme == "wss")
    return refuse(url, "but MQTT over WebSocket is not supported; " + std::string(kRight));
  return refuse(url, "which has the unknown scheme " + in_quotes(scheme) + "; " + std::string(kRight));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

/// Where the host ends and ":PORT" or nothing begins.
std::size_t end_of_host(std::string_view authority) {
  if (!authority.empty() && authority[0] == '[') {
    const std::size_t bracket = authority.find(']');
    return bracket == std::string_view::npos ? authority.size() : bracket + 1;
  }
  return std::min(authority.find(':'), authority.size());
}

}  // namespace

Result<BrokerAddress> parse_broker_url(std::string_view url) {
  const std::size_t separator = url.find("://");
  if (const auto problem = scheme_problem(url, separator)) return *problem;
  const std::string_view authority = url.substr(separator + 3);
  if (authority.find('@') != std::string_view::npos)
    return reject(
        "has a user name in it; write it as publish.username, and the password into a file "
        "(publish.password_file)");
  if (authority.find_first_of("/?#") != std::string_view::npos)
    return refuse(url, "which has more than host and port; " + std::string(kRight));

  const std::size_t end = end_of_host(authority);
  std::string_view host = authority.substr(0, end);
  const std::string_view rest = authority.substr(end);
  if (std::count(authority.begin(), authority.end(), ':') > 1 && host.substr(0, 1) != "[")
    return refuse(url,
                  "which has several colons; write an IPv6 address in brackets, like mqtts://[::1]:8883");
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (is_bracketed ? !is_ipv6(host) : !is_host_name(host))
    return refuse(url, "which has no good host name or address; " + std::string(kRight));

  BrokerAddress address;
  address.host = host;
  address.is_secure = lower_case(url.substr(0, separator)) == "mqtts";
  if (address.is_secure) address.port = kSecurePort;
  if (rest.empty()) return address;
  const std::optional<std::uint16_t> port = rest[0] == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) return refuse(url, "which has no good port; write a number from 1 to 65535 after the ':'");
  address.port = *port;
  return address;
}

bool is_this_machine(std::string_view host) {
  const auto is_ipv4 = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  return lower_case(host) == "localhost" || host == "::1" ||
         (host.substr(0, 4) == "127." && std::all_of(host.begin(), host.end(), is_ipv4));
}

std::optional<std::string> plain_text_problem(const BrokerAddress& address, std::string_view how_to_allow) {
  if (address.is_secure || is_this_machine(address.host)) return std::nullopt;
  return "leads to " + address.text() +
         " in plain text, which everybody on the way can read and change; write mqtts://, or " +
         std::string(how_to_allow) + " if the network is protected in another way";
}

}  // namespace outrider
