// SPDX-License-Identifier: Apache-2.0
// Any bytes are a configuration or get a sentence. After a NUL, further NUL-separated parts are overrides.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/ensure.h"
#include "agent/config/config.h"
#include "agent/config/glob.h"

namespace outrider {
namespace {

constexpr std::string_view kGood =
    R"({"vehicle_id": "v", "buses": [{"name": "can0", "dbc": ["a.dbc"]}], "signals": ["A", {"signal": "B"}],
        "publish": {"brokers": ["mqtts://b"]}})";
/// Each one copies the document: more would only make it slow.
constexpr std::size_t kMostParts = 8;

std::vector<std::string> parts_of(std::string_view input) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= input.size() && parts.size() < kMostParts;) {
    const std::size_t end = std::min(input.find('\0', at), input.size());
    parts.emplace_back(input.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// What everything behind the parser relies on.
void check_promises(const Config& config) {
  ENSURE(!config.vehicle_id.empty());
  ENSURE(config.vehicle_id.find_first_of("/+#") == std::string::npos);
  ENSURE(!config.buses.empty());
  for (const BusConfig& bus : config.buses) ENSURE(!bus.name.empty() && !bus.dbc.empty());
  ENSURE(!config.signals.empty());
  for (const SignalRule& rule : config.signals) {
    ENSURE(rule.is_dropped || rule.is_on_change || rule.period);
    ENSURE(!rule.as || !has_wildcard(rule.signal));
    ENSURE(!(rule.valid_min && rule.valid_max) || *rule.valid_min <= *rule.valid_max);
  }
  ENSURE(!config.publish.brokers.empty());
  ENSURE(!config.publish.client_id.empty() && config.publish.client_id.size() <= 128);
  ENSURE(config.publish.backoff.base <= config.publish.backoff.cap);
  ENSURE(config.publish.max_message >= 8192);
  ENSURE(config.buffer.commit_interval >= milliseconds(10));
}

/// One problem a line, and nothing in it that a terminal would obey.
void check_sentence(const std::string& text) {
  ENSURE(!text.empty());
  for (const char c : text) ENSURE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

void try_input(std::string_view input) {
  const std::vector<std::string> parts = parts_of(input);
  const std::vector<Override> overrides(parts.begin() + 1, parts.end());
  const Result<Config> config = parse_config(parts[0], "fuzz.json", "", overrides);
  if (config)
    check_promises(*config);
  else
    check_sentence(config.error().text);
  // The same parts as overrides of a configuration that is good.
  const Result<Config> overridden = parse_config(kGood, "fuzz.json", "", parts);
  if (!overridden) check_sentence(overridden.error().text);
}

}  // namespace
}  // namespace outrider

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  outrider::try_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
