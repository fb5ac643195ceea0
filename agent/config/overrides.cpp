// SPDX-License-Identifier: Apache-2.0
#include "agent/config/overrides.h"

#include <algorithm>
#include <charconv>

namespace outrider {
namespace {

using Kind = JsonValue::Kind;

constexpr std::string_view kRight =
    "write path.to.key=value, such as buffer.max_bytes=64MiB or signals[0].as=speed";
/// The deepest key of a configuration has fewer steps.
constexpr std::size_t kMostSteps = 16;

/// One step of a path: into an object by key, or into a list by index.
struct Step {
  std::string key;
  std::optional<std::size_t> index;
};

std::optional<std::size_t> parse_index(std::string_view text) {
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return index;
}

/// "signals[0]" of "signals[0].as" to two steps.
bool parse_segment(std::string_view segment, std::vector<Step>& steps) {
  std::size_t bracket = std::min(segment.find('['), segment.size());
  const std::string_view key = segment.substr(0, bracket);
  if (key.empty() || key.find(']') != std::string_view::npos) return false;
  steps.push_back({std::string(key), std::nullopt});
  while (bracket < segment.size()) {
    const std::size_t end = segment.find(']', bracket);
    if (segment[bracket] != '[' || end == std::string_view::npos) return false;
    const std::optional<std::size_t> index = parse_index(segment.substr(bracket + 1, end - bracket - 1));
    if (!index) return false;
    steps.push_back({{}, index});
    bracket = end + 1;
  }
  return true;
}

std::optional<std::vector<Step>> parse_path(std::string_view path) {
  std::vector<Step> steps;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    if (!parse_segment(path.substr(at, dot - at), steps) || steps.size() > kMostSteps) return std::nullopt;
    at = dot + 1;
  }
  return steps;
}

std::string member_problem(const std::string& path, const JsonValue& value) {
  const bool is_list = value.kind == Kind::kList;
  return (path.empty() ? "the configuration" : path) +
         (is_list ? " is a list; say which entry, like " + path + "[0]"
                  : " is not an object, so it has no keys; set it as a whole");
}

/// The member or item that `step` leads to, made when it is not there. Else `why` says why it cannot be.
JsonValue* descend(JsonValue& at, const Step& step, const std::string& path, std::string& why) {
  const Kind wanted = step.index ? Kind::kList : Kind::kObject;
  if (at.kind == Kind::kNull) {
    // Just made, or null in the file, which no key of a configuration may be.
    at.kind = wanted;
    at.text.clear();
  }
  if (at.kind != wanted) {
    why = step.index ? path + " is not a list, so it has no entry [" + std::to_string(*step.index) + "]"
                     : member_problem(path, at);
    return nullptr;
  }
  if (!step.index) {
    const auto found = std::find_if(at.items.begin(), at.items.end(),
                                    [&](const JsonValue& item) { return item.key == step.key; });
    if (found != at.items.end()) return &*found;
    JsonValue& made = at.items.emplace_back();
    made.key = step.key;
    return &made;
  }
  if (*step.index > at.items.size()) {
    why = path + " has " + std::to_string(at.items.size()) + " entries; the next one is [" +
          std::to_string(at.items.size()) + "]";
    return nullptr;
  }
  return *step.index == at.items.size() ? &at.items.emplace_back() : &at.items[*step.index];
}

JsonValue value_of(std::string_view text) {
  if (std::optional<JsonValue> value = parse_json_value(text)) return std::move(*value);
  JsonValue value;
  value.kind = Kind::kText;
  value.text = text;
  return value;
}

}  // namespace

void apply_override(JsonValue& root, const std::string& override_text, Problems& problems) {
  std::string name = "--set " + in_quotes(override_text);
  const std::size_t equals = override_text.find('=');
  if (equals == std::string::npos) return problems.add(name + " has no '='; " + std::string(kRight));
  const std::string_view path = std::string_view(override_text).substr(0, equals);
  const std::optional<std::vector<Step>> steps = parse_path(path);
  if (!steps) return problems.add(name + " has a path that cannot be read; " + std::string(kRight));

  JsonValue changed = root;
  JsonValue* at = &changed;
  std::string walked;
  for (const Step& step : *steps) {
    std::string why;
    at = descend(*at, step, walked, why);
    if (at == nullptr) return problems.add(name.append(" leads nowhere: ").append(why));
    walked = step.index ? item_path(walked, *step.index) : member_path(walked, step.key);
  }
  std::string key = std::move(at->key);
  *at = value_of(std::string_view(override_text).substr(equals + 1));
  at->key = std::move(key);
  root = std::move(changed);
}

}  // namespace outrider
