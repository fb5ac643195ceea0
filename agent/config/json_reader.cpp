// SPDX-License-Identifier: Apache-2.0
#include "agent/config/json_reader.h"

#include <algorithm>
#include <limits>

#include "agent/base/ensure.h"
#include "agent/base/json_text.h"
#include "agent/base/quantity.h"
#include "agent/base/utf8.h"
#include "agent/config/suggest.h"
#include "agent/config/text_rules.h"

namespace outrider {
namespace {

using Kind = JsonValue::Kind;

/// No duration or size is written with more characters.
constexpr std::size_t kLongestQuantity = 32;

struct NamedUnit {
  const char* name;
  std::uint64_t size;
};
constexpr std::array kDurations{NamedUnit{"h", 3'600'000}, NamedUnit{"min", 60'000}, NamedUnit{"s", 1000},
                                NamedUnit{"ms", 1}};
constexpr std::array kSizes{NamedUnit{"TiB", 1ULL << 40U}, NamedUnit{"GiB", 1ULL << 30U},
                            NamedUnit{"MiB", 1ULL << 20U}, NamedUnit{"KiB", 1ULL << 10U}, NamedUnit{"B", 1}};

/// As it would be written in a configuration, in the largest unit that needs no fraction: "90s", "64KiB".
template <std::size_t N>
std::string in_units(std::uint64_t amount, const std::array<NamedUnit, N>& units) {
  for (const NamedUnit& unit : units) {
    if (amount != 0 && amount % unit.size == 0) return std::to_string(amount / unit.size) + unit.name;
  }
  return std::to_string(amount) + units.back().name;
}

std::string written(milliseconds duration) {
  if (duration == milliseconds(0)) return "0s";
  return in_units(static_cast<std::uint64_t>(duration.count()), kDurations);
}

std::string written(double number) {
  std::string text;
  append_number(text, number);
  return text;
}

std::string out_of_range(std::string_view value, const std::string& smallest, const std::string& largest) {
  return "is " + std::string(value) + "; the range is " + smallest + " to " + largest;
}

/// "is the number 500": what a value is, when it should have been something else.
std::string what_it_is(const JsonValue& value) {
  switch (value.kind) {
    case Kind::kNumber:
      return "is the number " + value.text.substr(0, kLongestQuantity);
    case Kind::kText:
      return "is the text " + in_quotes(value.text);
    case Kind::kList:
      return "is a list";
    case Kind::kObject:
      return "is an object";
    case Kind::kNull:
    case Kind::kBool:
      break;
  }
  return "is " + value.text;
}

bool looks_like_json(std::string_view text) { return !text.empty() && (text[0] == '[' || text[0] == '{'); }

}  // namespace

bool JsonEntry::refuse_type(std::string_view right) const {
  std::string text = what_it_is(*value_);
  // On a command line the shell often eats the quotes, and then the value is no longer JSON.
  if (value_->line == 0 && value_->kind == Kind::kText && looks_like_json(value_->text))
    text += ", as it is not valid JSON (does the shell keep the double quotes?)";
  text += "; write ";
  text += right;
  return refuse(text);
}

bool JsonEntry::read(std::string& out, TextLimits limits) const {
  // `--set vehicle_id=17` means the text: only in a file do quotes make a difference.
  const bool is_bare_override = value_->line == 0 && (is(Kind::kNumber) || is(Kind::kBool));
  if (!is(Kind::kText) && !is_bare_override) return refuse_type("a text in double quotes");
  if (value_->text.empty() && !limits.may_be_empty) return refuse("is empty; write at least one character");
  if (value_->text.size() > limits.most_bytes) {
    return refuse("has " + std::to_string(value_->text.size()) + " bytes; at most " +
                  std::to_string(limits.most_bytes) + " are allowed");
  }
  if (!is_utf8(value_->text)) return refuse("is not valid UTF-8; write it in UTF-8");
  if (has_control_characters(value_->text))
    return refuse("is " + in_quotes(value_->text) +
                  ", which holds a control character; write printable characters only");
  out = value_->text;
  return true;
}

bool JsonEntry::read(bool& out) const {
  if (!is(Kind::kBool)) return refuse_type("true or false");
  out = value_->is_true;
  return true;
}

bool JsonEntry::read(double& out, Range<double> range) const {
  if (!is(Kind::kNumber)) return refuse_type("a number");
  if (range.largest == std::numeric_limits<double>::max() && value_->number < range.smallest)
    return refuse("is " + value_->text.substr(0, kLongestQuantity) + "; write " + written(range.smallest) +
                  " or more");
  if (!(value_->number >= range.smallest && value_->number <= range.largest)) {
    return refuse(out_of_range(value_->text.substr(0, kLongestQuantity), written(range.smallest),
                               written(range.largest)));
  }
  out = value_->number;
  return true;
}

bool JsonEntry::read(std::uint64_t& out, Range<std::uint64_t> range) const {
  const std::string smallest = std::to_string(range.smallest);
  const std::string largest = std::to_string(range.largest);
  if (!is(Kind::kNumber)) return refuse_type("a whole number from " + smallest + " to " + largest);
  if (!value_->integer || *value_->integer < range.smallest || *value_->integer > range.largest) {
    return refuse(out_of_range(value_->text.substr(0, kLongestQuantity), smallest, largest) +
                  ", whole numbers only");
  }
  out = *value_->integer;
  return true;
}

bool JsonEntry::duration(milliseconds& out, Range<milliseconds> range, bool is_whole_seconds) const {
  const std::string example = is_whole_seconds ? "\"30s\"" : "\"500ms\" or \"20s\"";
  if (!is(Kind::kText)) return refuse_type("a duration with its unit, such as " + example);
  if (value_->text.size() > kLongestQuantity)
    return refuse("is no duration; write a number and a unit, such as " + example);
  const Result<milliseconds> parsed = parse_duration(value_->text);
  if (!parsed) return refuse(parsed.error().text);
  if (*parsed < range.smallest || *parsed > range.largest) {
    return refuse(out_of_range(value_->text, written(range.smallest), written(range.largest)));
  }
  if (is_whole_seconds && *parsed % seconds(1) != milliseconds(0))
    return refuse("is " + value_->text + "; write whole seconds, such as " + example);
  out = *parsed;
  return true;
}

bool JsonEntry::read(milliseconds& out, Range<milliseconds> range) const {
  return duration(out, range, false);
}

bool JsonEntry::read(seconds& out, Range<seconds> range) const {
  milliseconds exact{};
  if (!duration(exact, {range.smallest, range.largest}, true)) return false;
  out = std::chrono::duration_cast<seconds>(exact);
  return true;
}

bool JsonEntry::read_size(std::uint64_t& out, Range<std::uint64_t> range) const {
  if (!is(Kind::kText)) return refuse_type("a size with its unit, such as \"64KiB\" or \"256MiB\"");
  if (value_->text.size() > kLongestQuantity)
    return refuse("is no size; write a number and a unit, such as \"64KiB\"");
  const Result<std::uint64_t> parsed = parse_size(value_->text);
  if (!parsed) return refuse(parsed.error().text);
  if (*parsed < range.smallest || *parsed > range.largest) {
    return refuse(
        out_of_range(value_->text, in_units(range.smallest, kSizes), in_units(range.largest, kSizes)));
  }
  out = *parsed;
  return true;
}

std::optional<std::size_t> JsonEntry::find_word(std::span<const std::string_view> words) const {
  const std::vector<std::string_view> all(words.begin(), words.end());
  const bool is_bare_override = value_->line == 0 && is(Kind::kNumber);
  if (!is(Kind::kText) && !is_bare_override) {
    refuse_type(quoted_list(all, " or "));
    return std::nullopt;
  }
  const auto found = std::find(all.begin(), all.end(), value_->text);
  if (found != all.end()) return static_cast<std::size_t>(found - all.begin());
  refuse("is " + in_quotes(value_->text) + "; write " + quoted_list(all, " or "));
  return std::nullopt;
}

std::optional<std::vector<JsonEntry>> JsonEntry::items(std::string_view of, std::size_t most) const {
  if (!is(Kind::kList)) {
    refuse_type("a list of " + std::string(of) + ": [ … ]");
    return std::nullopt;
  }
  if (value_->items.size() > most) {
    refuse("has " + std::to_string(value_->items.size()) + " entries; at most " + std::to_string(most) +
           " are allowed");
    return std::nullopt;
  }
  std::vector<JsonEntry> entries;
  entries.reserve(value_->items.size());
  for (std::size_t i = 0; i < value_->items.size(); ++i)
    entries.emplace_back(value_->items[i], item_path(path_, i), *problems_);
  return entries;
}

std::optional<JsonObject> JsonObject::of(const JsonEntry& entry, std::string_view known) {
  if (!entry.is(Kind::kObject)) {
    entry.refuse_type("an object: { … }");
    return std::nullopt;
  }
  const JsonObject object(entry, config_object(known));
  object.report_unknown_keys();
  return object;
}

void JsonObject::report_unknown_keys() const {
  const std::vector<std::string_view> known(known_->keys.begin(), known_->keys.end());
  for (const JsonValue& member : entry_.value().items) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    std::string advice = did_you_mean(member.key, known);
    for (const ConfigObject& other : config_objects()) {
      const bool is_there = std::find(other.keys.begin(), other.keys.end(), member.key) != other.keys.end();
      if (is_there && advice.empty() && !other.path.empty())
        advice = "it belongs in \"" + std::string(other.path) + "\"";
    }
    if (advice.empty()) advice = "known here: " + quoted_list(known);
    entry_.problems().add({member_path(path(), member.key), member.line}, "is an unknown key; " + advice);
  }
}

std::optional<JsonEntry> JsonObject::find(std::string_view key) const {
  ENSURE(std::find(known_->keys.begin(), known_->keys.end(), key) != known_->keys.end());
  const JsonValue* value = entry_.value().find(key);
  if (value == nullptr) return std::nullopt;
  return JsonEntry(*value, member_path(path(), key), entry_.problems());
}

bool JsonObject::read_size(std::string_view key, std::uint64_t& out, Range<std::uint64_t> range) const {
  const std::optional<JsonEntry> entry = find(key);
  return entry && entry->read_size(out, range);
}

std::optional<JsonObject> JsonObject::object(std::string_view key, std::string_view known) const {
  const std::optional<JsonEntry> entry = find(key);
  return entry ? of(*entry, known) : std::nullopt;
}

void JsonObject::problem(std::string_view key, std::string_view text) const {
  const std::optional<JsonEntry> entry = find(key);
  if (entry) {
    entry->refuse(text);
    return;
  }
  entry_.problems().add({member_path(path(), key), entry_.value().line}, text);
}

}  // namespace outrider
