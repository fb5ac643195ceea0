// SPDX-License-Identifier: Apache-2.0
#include "agent/status/local_request.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "agent/config/json_document.h"
#include "agent/status/json_writer.h"

namespace outrider {
namespace {

using Kind = LocalRequest::Kind;

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr std::array<KindName, 8> kKinds{{{"status", Kind::kStatus},
                                          {"text", Kind::kText},
                                          {"health", Kind::kHealth},
                                          {"streams", Kind::kStreams},
                                          {"letters", Kind::kLetters},
                                          {"rows", Kind::kRows},
                                          {"dead", Kind::kDead},
                                          {"requeue", Kind::kRequeue}}};

std::string kind_names() {
  std::string names;
  for (const KindName& kind : kKinds) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

/// False when it is there and no whole number up to `largest`.
template <class T>
bool read_whole(const JsonValue& value, T& out, std::uint64_t largest) {
  if (!value.integer || *value.integer > largest) return false;
  out = static_cast<T>(*value.integer);
  return true;
}

bool read_ids(const JsonValue& list, std::vector<std::int64_t>& ids) {
  if (list.kind != JsonValue::Kind::kList || list.items.empty() || list.items.size() > LocalRequest::kMostIds)
    return false;
  ids.resize(list.items.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (!read_whole(list.items[i], ids[i], std::numeric_limits<std::int64_t>::max())) return false;
  return true;
}

bool read_member(const JsonValue& member, LocalRequest& request) {
  constexpr std::uint64_t kLongestMs = 1'000'000'000'000;
  if (member.key == "from") return read_whole(member, request.from, std::numeric_limits<std::int64_t>::max());
  if (member.key == "stream")
    return read_whole(member, request.stream, std::numeric_limits<StreamIndex>::max());
  if (member.key == "ids") return read_ids(member, request.ids);
  std::int64_t within = 0;
  if (member.key != "within_ms" || !read_whole(member, within, kLongestMs)) return member.key == "ask";
  request.within = milliseconds(within);
  return true;
}

std::string_view name_of(Kind kind) {
  return std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& each) { return each.kind == kind; })
      ->name;
}

}  // namespace

Result<LocalRequest> parse_request(std::string_view line) {
  const std::optional<JsonValue> value = parse_json_value(line);
  const JsonValue* const ask =
      value && value->kind == JsonValue::Kind::kObject ? value->find("ask") : nullptr;
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& each) {
    return ask != nullptr && ask->kind == JsonValue::Kind::kText && ask->text == each.name;
  });
  if (kind == kKinds.end())
    return reject("the request is not understood; ask {\"ask\":\"status\"}, or one of " + kind_names());
  LocalRequest request{.kind = kind->kind};
  for (const JsonValue& member : value->items)
    if (!read_member(member, request))
      return reject(
          "\"" + member.key.substr(0, 40) +
          "\" is not understood; there are the whole numbers \"from\", \"stream\" and \"within_ms\", "
          "and \"ids\", a list of 1 to " +
          std::to_string(LocalRequest::kMostIds) + " of them");
  return request;
}

std::string request_text(const LocalRequest& request) {
  JsonWriter json;
  json.text("ask", name_of(request.kind));
  if (request.from != 0) json.integer("from", request.from);
  if (request.stream != 0) json.count("stream", request.stream);
  if (request.within != milliseconds(0)) json.integer("within_ms", request.within.count());
  if (!request.ids.empty()) {
    json.open_list("ids");
    for (const std::int64_t id : request.ids) json.integer("", id);
    json.close();
  }
  return json.finish();
}

std::string end_line() { return "{\"end\":true}\n"; }

std::string next_line(const LocalRequest& next) {
  JsonWriter json;
  json.text("next", request_text(next));
  return json.finish() + "\n";
}

std::string error_line(std::string_view text) {
  JsonWriter json;
  json.text("error", text);
  return json.finish() + "\n";
}

Result<LocalAnswer> parse_answer(std::string_view text) {
  LocalAnswer answer;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    answer.lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto cut_off = [] { return stop("the answer was cut off; did the agent stop?"); };
  if (answer.lines.empty() || text.back() != '\n') return cut_off();
  const std::optional<JsonValue> last = parse_json_value(answer.lines.back());
  answer.lines.pop_back();
  if (!last || last->kind != JsonValue::Kind::kObject) return cut_off();
  if (const JsonValue* error = last->find("error")) return reject(error->text);
  if (const JsonValue* next = last->find("next"))
    answer.next = next->text;
  else if (last->find("end") == nullptr)
    return cut_off();
  return answer;
}

}  // namespace outrider
