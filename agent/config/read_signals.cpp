// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "agent/config/glob.h"
#include "agent/config/sections.h"

namespace outrider {
namespace {

using Kind = JsonValue::Kind;
using std::chrono::hours;

constexpr std::size_t kMostRules = 10'000;
constexpr std::size_t kLongestName = 128;
/// J1939-81: 254 is the null address and 255 everyone; neither sends data.
constexpr std::uint8_t kLastSourceAddress = 253;
constexpr double kLargestNumber = std::numeric_limits<double>::max();

/// Keys of the records layout and of rows; a signal of that name would take their place.
constexpr std::array kReservedNames{std::string_view("vehicle_id"), std::string_view("event_timestamp"),
                                    std::string_view("epoch"),      std::string_view("seq"),
                                    std::string_view("part"),       std::string_view("through"),
                                    std::string_view("clock"),      std::string_view("lost"),
                                    std::string_view("lost_rows"),  std::string_view("catalogue")};

/// "EngineSpeed", "EEC1.EngineSpeed", "EEC1.*".
bool read_short_form(const JsonEntry& entry, SignalRule& rule) {
  std::string text;
  if (!entry.read(text, TextLimits{.most_bytes = 2 * kLongestName + 1})) return false;
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) {
    rule.signal = text;
    return true;
  }
  const bool has_both = dot > 0 && dot + 1 < text.size() && text.find('.', dot + 1) == std::string::npos;
  if (!has_both)
    return entry.refuse("is " + in_quotes(text) +
                        "; write \"SIGNAL\" or \"MESSAGE.SIGNAL\", with one dot at most");
  rule.message = text.substr(0, dot);
  rule.signal = text.substr(dot + 1);
  return true;
}

void read_names(const JsonObject& object, SignalRule& rule) {
  object.read("message", rule.message, TextLimits{.most_bytes = kLongestName});
  if (object.read("signal", rule.signal, TextLimits{.most_bytes = kLongestName})) {
    const std::size_t dot = rule.signal.find('.');
    if (dot != std::string::npos)
      object.problem("signal", "is " + in_quotes(rule.signal) +
                                   ", but names have no dot; write \"message\": " +
                                   in_quotes(rule.signal.substr(0, dot)) +
                                   ", \"signal\": " + in_quotes(rule.signal.substr(dot + 1)));
  }
  if (!object.has("message") && !object.has("signal"))
    object.problem("signal", "is missing; say which signals the rule is for, \"*\" for all");
}

void read_published_name(const JsonObject& object, SignalRule& rule) {
  std::string name;
  if (object.read("as", name, TextLimits{.most_bytes = kLongestName})) {
    // Without a message any message is meant, and signal names are seldom there twice; `check` says when one is.
    if (has_wildcard(rule.signal) || (object.has("message") && has_wildcard(rule.message)))
      object.problem("as",
                     "names one signal, but the rule may match many; give a signal without '*' and '?'");
    if (std::find(kReservedNames.begin(), kReservedNames.end(), name) != kReservedNames.end())
      object.problem(
          "as", "is " + in_quotes(name) + ", which messages use for something else; choose another name");
    rule.as = name;
  }
  std::string unit;
  if (object.read("unit", unit, TextLimits{.most_bytes = 64, .may_be_empty = true})) rule.unit = unit;
}

void read_sampling(const JsonObject& object, SignalRule& rule) {
  milliseconds period{};
  if (object.read("period", period, Range<milliseconds>{milliseconds(1), hours(24)})) rule.period = period;
  rule.is_on_change = !object.has("period");
  object.read("on_change", rule.is_on_change);
  object.read("deadband", rule.deadband, Range<double>{0, kLargestNumber});
  object.read("min_interval", rule.min_interval, Range<milliseconds>{milliseconds(0), hours(1)});
  if (rule.is_on_change) return;
  if (!object.has("period"))
    object.problem("on_change",
                   "is false and there is no period, so nothing would be kept; give a period, "
                   "or \"drop\": true when that is meant");
  for (const char* key : {"deadband", "min_interval"}) {
    if (object.has(key) && object.has("period"))
      object.problem(key, "has no effect on a period alone; add \"on_change\": true, or leave it out");
  }
}

bool read_bound(const JsonEntry& entry, std::optional<double>& bound) {
  if (entry.is(Kind::kNull)) return true;
  double number = 0;
  if (!entry.is(Kind::kNumber)) return entry.refuse_type("a number, or null for no bound");
  if (!entry.read(number, Range<double>{-kLargestNumber, kLargestNumber})) return false;
  bound = number;
  return true;
}

void read_validity(const JsonObject& object, SignalRule& rule) {
  const std::optional<JsonEntry> valid = object.find("valid");
  if (!valid) return;
  const auto bounds = valid->items("two numbers", kMostRules);
  if (!bounds) return;
  if (bounds->size() != 2) {
    valid->refuse("needs two bounds; write [smallest, largest]");
    return;
  }
  const bool are_good = read_bound((*bounds)[0], rule.valid_min) && read_bound((*bounds)[1], rule.valid_max);
  if (are_good && rule.valid_min && rule.valid_max && *rule.valid_min > *rule.valid_max)
    valid->refuse("has a smallest value above the largest; write [smallest, largest]");
}

void read_drop(const JsonObject& object, SignalRule& rule) {
  object.read("drop", rule.is_dropped);
  if (!rule.is_dropped) return;
  for (const char* key : {"as", "unit", "period", "on_change", "deadband", "min_interval", "valid"}) {
    if (object.has(key)) object.problem(key, "means nothing beside \"drop\": true; leave one of them out");
  }
}

SignalRule read_rule(const JsonEntry& entry) {
  SignalRule rule;
  rule.path = entry.path();
  if (entry.is(Kind::kText)) {
    read_short_form(entry, rule);
    return rule;
  }
  if (!entry.is(Kind::kObject)) {
    entry.refuse_type("a name such as \"EEC1.EngineSpeed\", or an object: { … }");
    return rule;
  }
  const std::optional<JsonObject> object = JsonObject::of(entry, "signals[]");
  if (!object) return rule;
  read_drop(*object, rule);
  read_names(*object, rule);
  std::uint8_t sender = 0;
  if (object->read_whole("source_address", sender, Range<std::uint8_t>{0, kLastSourceAddress}))
    rule.source_address = sender;
  if (rule.is_dropped) return rule;
  read_published_name(*object, rule);
  read_sampling(*object, rule);
  read_validity(*object, rule);
  return rule;
}

/// Two series of one name could not be told apart by who reads them.
void report_repeated_names(const std::vector<JsonEntry>& entries, const std::vector<SignalRule>& rules) {
  std::map<std::string_view, std::string_view> paths;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].as) continue;
    const auto [first, is_new] = paths.emplace(*rules[i].as, rules[i].path);
    if (!is_new)
      entries[i].problems().add({member_path(rules[i].path, "as"), entries[i].value().line},
                                "is " + in_quotes(*rules[i].as) + " as in " + std::string(first->second) +
                                    "; published names must differ");
  }
}

}  // namespace

std::vector<SignalRule> read_signals(const JsonObject& top) {
  std::vector<SignalRule> rules;
  const std::optional<JsonEntry> entry = top.find("signals");
  const auto entries = entry ? entry->items("rules", kMostRules) : std::nullopt;
  if (entries) {
    rules.reserve(entries->size());
    for (const JsonEntry& item : *entries) rules.push_back(read_rule(item));
    report_repeated_names(*entries, rules);
  }
  if (rules.empty()) rules.emplace_back().path = "signals";
  return rules;
}

}  // namespace outrider
