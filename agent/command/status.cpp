// SPDX-License-Identifier: Apache-2.0
#include "agent/command/status.h"

#include "agent/config/json_document.h"
#include "agent/status/local_request.h"

namespace outrider {
namespace {

using Kind = LocalRequest::Kind;

/// The one line of the answer.
Result<std::string> ask(const std::string& socket, const LocalRequest& request, const World& world) {
  if (socket.empty())
    return stop("status.socket is empty in this configuration, so its agent cannot be asked");
  const Result<std::string> text = world.ask(socket, request_text(request));
  if (!text) return text.error();
  Result<LocalAnswer> answer = parse_answer(*text);
  if (!answer) return answer.error();
  if (answer->lines.size() != 1) return stop("the agent's answer is not understood; is it another version?");
  return std::move(answer->lines.front());
}

std::string text_member(const std::string& line, std::string_view key) {
  const std::optional<JsonValue> answer = parse_json_value(line);
  const JsonValue* const member = answer ? answer->find(key) : nullptr;
  return member != nullptr ? member->text : std::string();
}

bool says_healthy(const std::string& line) {
  const std::optional<JsonValue> answer = parse_json_value(line);
  const JsonValue* const healthy = answer ? answer->find("healthy") : nullptr;
  return healthy != nullptr && healthy->is_true;
}

}  // namespace

int run_status(const StatusArguments& arguments, const World& world, std::FILE* out, std::FILE* err) {
  const auto explain = [err](const std::string& text, int code) {
    std::fprintf(err, "outrider: %s\n", text.c_str());
    return code;
  };
  const Result<Config> config = load_config(arguments.config, arguments.overrides);
  if (!config) return explain(config.error().text, kExitBadInput);
  const Kind kind = arguments.asks_health ? Kind::kHealth : arguments.is_json ? Kind::kStatus : Kind::kText;
  const Result<std::string> line =
      ask(config->status.socket, {.kind = kind, .within = arguments.within}, world);
  if (!line) return explain(line.error().text, kExitNo);
  if (arguments.is_json) std::fprintf(out, "%s\n", line->c_str());
  if (kind == Kind::kText) std::fputs(text_member(*line, "text").c_str(), out);
  if (kind != Kind::kHealth || says_healthy(*line)) return kExitFine;
  return explain("not healthy: " + text_member(*line, "why"), kExitNo);
}

}  // namespace outrider
