// SPDX-License-Identifier: Apache-2.0
#include "agent/command/buffer.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <memory>
#include <utility>

#include "agent/base/quantity.h"
#include "agent/command/open_buffer.h"
#include "agent/command/salvage.h"
#include "agent/config/json_document.h"
#include "agent/status/buffer_answers.h"
#include "agent/status/local_request.h"

namespace outrider {
namespace {

using Kind = LocalRequest::Kind;

/// Whoever has the buffer: the running agent, or else we.
class Keeper {
 public:
  Keeper(const Config& config, World& world) : config_(config), world_(world) {}

  /// The answer's lines, page by page, to `visit`.
  template <class Visit>
  Status ask(const LocalRequest& request, Visit visit) {
    for (std::string line = request_text(request); !line.empty();) {
      const Result<std::string> text = answer_to(line);
      if (!text) return text.error();
      const Result<LocalAnswer> answer = parse_answer(*text);
      if (!answer) return answer.error();
      for (const std::string& each : answer->lines) visit(each);
      line = answer->next;
    }
    return ok();
  }

 private:
  Result<std::string> answer_to(const std::string& line) {
    if (!own_ && !config_.status.socket.empty()) {
      Result<std::string> answer = world_.ask(config_.status.socket, line);
      if (answer || has_agent_ || answer.error().fault != Fault::kRetry) {
        has_agent_ = true;
        return answer;
      }
    }
    if (!own_) {
      Result<std::unique_ptr<Outbox>> opened = open_idle_buffer(config_.buffer, world_);
      if (!opened) return opened.error();
      own_ = std::move(*opened);
    }
    const Result<LocalRequest> request = parse_request(line);
    if (!request) return request.error();
    return answer_buffer_request(*request, *own_, config_.publish.layout);
  }

  const Config& config_;
  World& world_;
  bool has_agent_ = false;  // it answered once: if it goes away now, that is an error
  std::unique_ptr<Outbox> own_;
};

std::string text_of(const JsonValue& line, std::string_view key) {
  const JsonValue* const member = line.find(key);
  if (member == nullptr) return {};
  return member->integer ? grouped(*member->integer) : member->text;
}

struct Column {
  std::string_view key;
  const char* title;
  int width;  ///< Negative: to the left.
};
constexpr std::array<Column, 8> kStreamColumns{{{"vehicle_id", "vehicle", -24},
                                                {"channel", "channel", -10},
                                                {"rows", "rows", 9},
                                                {"bytes", "bytes", 13},
                                                {"sampled", "sampled", 14},
                                                {"delivered", "delivered", 14},
                                                {"waiting", "waiting", 12},
                                                {"lost", "lost", 12}}};
constexpr std::array<Column, 8> kLetterColumns{{{"id", "id", 6},
                                                {"vehicle_id", "vehicle", -24},
                                                {"channel", "channel", -10},
                                                {"epoch", "epoch", -12},
                                                {"seq", "seq", 10},
                                                {"time", "time", -24},
                                                {"samples", "samples", 9},
                                                {"reason", "reason", -1}}};

void print_row(std::FILE* out, const std::array<Column, 8>& columns, const JsonValue* line) {
  for (const Column& column : columns)
    std::fprintf(out, "%*s%s", column.width,
                 line != nullptr ? text_of(*line, column.key).c_str() : column.title,
                 &column == &columns.back() ? "\n" : "  ");
}

Status list(const BufferArguments& arguments, Keeper& keeper, std::FILE* out) {
  const std::array<Column, 8>& columns = arguments.is_dead ? kLetterColumns : kStreamColumns;
  bool is_first = true;
  return keeper.ask({.kind = arguments.is_dead ? Kind::kLetters : Kind::kStreams},
                    [&](const std::string& line) {
                      if (arguments.is_json) {
                        std::fprintf(out, "%s\n", line.c_str());
                        return;
                      }
                      if (std::exchange(is_first, false)) print_row(out, columns, nullptr);
                      if (const std::optional<JsonValue> row = parse_json_value(line))
                        print_row(out, columns, &*row);
                    });
}

Status requeue(std::vector<std::int64_t> ids, bool is_all, Keeper& keeper, std::FILE* out) {
  if (is_all) {
    Status listed = keeper.ask({.kind = Kind::kLetters}, [&](const std::string& line) {
      const std::optional<JsonValue> letter = parse_json_value(line);
      const JsonValue* const id = letter ? letter->find("id") : nullptr;
      if (id != nullptr && id->integer) ids.push_back(static_cast<std::int64_t>(*id->integer));
    });
    if (!listed) return listed;
  }
  std::size_t done = 0;
  while (done < ids.size()) {
    const std::size_t end = std::min(done + LocalRequest::kMostIds, ids.size());
    const LocalRequest request{.kind = Kind::kRequeue,
                               .ids = {ids.begin() + static_cast<std::ptrdiff_t>(done),
                                       ids.begin() + static_cast<std::ptrdiff_t>(end)}};
    if (Status asked = keeper.ask(request, [](const std::string&) {}); !asked) return asked;
    done = end;
  }
  std::fprintf(out, "{\"requeued\":%zu}\n", done);
  return ok();
}

Status act(const BufferArguments& arguments, Keeper& keeper, std::FILE* out) {
  switch (arguments.action) {
    case BufferArguments::Action::kList:
      return list(arguments, keeper, out);
    case BufferArguments::Action::kRequeue:
      return requeue(arguments.ids, arguments.is_all, keeper, out);
    case BufferArguments::Action::kExport:
    case BufferArguments::Action::kSalvage:  // needs no keeper
      break;
  }
  return keeper.ask({.kind = arguments.is_dead ? Kind::kDead : Kind::kRows},
                    [out](const std::string& line) { std::fprintf(out, "%s\n", line.c_str()); });
}

}  // namespace

int run_buffer(const BufferArguments& arguments, World& world, std::FILE* out, std::FILE* err) {
  const auto explain = [err](const Error& error, int code) {
    std::fprintf(err, "outrider: %s\n", error.text.c_str());
    return code;
  };
  const Result<Config> config = load_config(arguments.config, arguments.overrides);
  if (!config) return explain(config.error(), kExitBadInput);
  Keeper keeper(*config, world);
  const Status done = arguments.action == BufferArguments::Action::kSalvage
                          ? salvage_buffer(arguments, *config, world, out)
                          : act(arguments, keeper, out);
  return done ? kExitFine : explain(done.error(), kExitNo);
}

}  // namespace outrider
