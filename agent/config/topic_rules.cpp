// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "agent/config/problems.h"
#include "agent/config/sections.h"
#include "agent/config/suggest.h"

namespace outrider {
namespace {

/// AWS IoT Core's limits, the tightest of the brokers we know: at most 7 slashes and 256 bytes; the prefix of a
/// basic ingest topic is not counted. Source: AWS General Reference, "AWS IoT Core endpoints and quotas".
constexpr std::ptrdiff_t kMostSlashes = 7;
constexpr std::size_t kMostBytes = 256;
constexpr std::string_view kBasicIngest = "$aws/rules/";
constexpr std::string_view kLongestChannel = "telemetry";

constexpr std::array kPlaceholders{std::string_view("{vehicle_id}"), std::string_view("{channel}")};

std::optional<std::string> placeholder_problem(std::string_view topic) {
  for (std::size_t at = topic.find_first_of("{}"); at != std::string_view::npos;) {
    const std::size_t end = topic.find_first_of("{}", at + 1);
    if (topic[at] == '}' || end == std::string_view::npos || topic[end] == '{')
      return "has a brace without its partner; the placeholders are {vehicle_id} and {channel}";
    const std::string_view name = topic.substr(at, end - at + 1);
    if (std::find(kPlaceholders.begin(), kPlaceholders.end(), name) == kPlaceholders.end()) {
      const std::string advice = did_you_mean(name, {kPlaceholders.begin(), kPlaceholders.end()});
      return "has the unknown placeholder " + in_quotes(name) + "; " +
             (advice.empty() ? "there are {vehicle_id} and {channel}" : advice);
    }
    at = topic.find_first_of("{}", end + 1);
  }
  for (const std::string_view placeholder : kPlaceholders) {
    if (topic.find(placeholder) == std::string_view::npos)
      return "lacks " + std::string(placeholder) + "; write for example \"outrider/{vehicle_id}/{channel}\"";
  }
  return std::nullopt;
}

/// The part that brokers count and match.
std::string_view counted_part(std::string_view topic) {
  if (topic.substr(0, kBasicIngest.size()) != kBasicIngest) return topic;
  const std::size_t end_of_rule = topic.find('/', kBasicIngest.size());
  return end_of_rule == std::string_view::npos ? std::string_view() : topic.substr(end_of_rule + 1);
}

}  // namespace

std::string expand(std::string text, std::string_view placeholder, std::string_view value) {
  for (std::size_t at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at + value.size()))
    text.replace(at, placeholder.size(), value);
  return text;
}

std::optional<std::string> topic_problem(std::string_view topic, std::string_view vehicle_id) {
  if (topic.find_first_of("+#") != std::string_view::npos)
    return "holds a wildcard, '+' or '#', which only a subscription may; leave it out";
  if (std::optional<std::string> problem = placeholder_problem(topic)) return problem;
  const std::string for_vehicle = expand(std::string(topic), "{vehicle_id}", vehicle_id);
  const std::string whole = expand(for_vehicle, "{channel}", kLongestChannel);
  const std::string_view counted = counted_part(whole);
  if (counted.empty() || counted[0] == '$')
    return "begins with '$', which is reserved for the broker; begin with a plain name (or "
           "\"$aws/rules/NAME/…\")";
  const auto slashes = std::count(counted.begin(), counted.end(), '/');
  if (slashes > kMostSlashes)
    return "has " + std::to_string(slashes) + " slashes; at most " + std::to_string(kMostSlashes) +
           " are allowed";
  if (counted.size() > kMostBytes)
    return "has " + std::to_string(counted.size()) + " bytes with vehicle and channel; at most " +
           std::to_string(kMostBytes) + " are allowed";
  return std::nullopt;
}

}  // namespace outrider
