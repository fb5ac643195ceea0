// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/config/config.h"

namespace outrider {

/// The smallest configuration, with `patch` (JSON merge patch: null removes a key) applied.
inline std::string config_text(const std::string& patch) {
  nlohmann::json config = nlohmann::json::parse(R"({
    "vehicle_id": "truck-17",
    "buses": [{"name": "can0", "dbc": ["truck.dbc"]}],
    "publish": {"brokers": ["mqtts://broker"]}})");
  config.merge_patch(nlohmann::json::parse(patch));
  return config.dump();
}

inline Result<Config> parse(const std::string& text, const std::vector<Override>& overrides = {}) {
  return parse_config(text, "t.json", "", overrides);
}

/// What is wrong with the text; "nothing" when it is good.
inline std::string refusal(const std::string& text, const std::vector<Override>& overrides = {}) {
  const Result<Config> config = parse(text, overrides);
  return config ? "nothing" : config.error().text;
}

}  // namespace outrider
