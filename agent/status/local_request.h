// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/store/row.h"

namespace outrider {

/// What can be asked over the local socket: one line with a JSON object, such as {"ask":"letters","from":1}.
///
/// The answer is lines. The last one is {"end":true}, {"next":"…"} with the request that continues, or
/// {"error":"…"}; so an answer that was cut off is noticed, and whoever answers keeps nothing in mind between pages.
struct LocalRequest {
  enum class Kind : std::uint8_t {
    kStatus,   ///< The status report: one JSON object.
    kText,     ///< The same for people: {"text":"…"}.
    kHealth,   ///< {"healthy":true}, or {"healthy":false,"why":"…"}; `within_ms`.
    kStreams,  ///< A line for each stream from index `from` on.
    kLetters,  ///< A line for each dead letter from id `from` on.
    kRows,  ///< Rows that wait, as they are published: stream `stream` from number `from` on, then later streams.
    kDead,     ///< Dead letters from id `from` on, as they would be published.
    kRequeue,  ///< Dead letters `ids`; {"requeued":n}.
  };
  Kind kind = Kind::kStatus;
  std::int64_t from = 0;
  StreamIndex stream = 0;
  milliseconds within{0};
  std::vector<std::int64_t> ids = {};

  static constexpr std::size_t kMostIds =
      16;  ///< Of one request: the memory for rows that are not written is bounded.
};

/// Errors  kReject: what is wrong with the line, and what would be right.
Result<LocalRequest> parse_request(std::string_view line);
std::string request_text(const LocalRequest& request);

std::string end_line();
std::string next_line(const LocalRequest& next);
std::string error_line(std::string_view text);

/// An answer, taken apart.
struct LocalAnswer {
  std::vector<std::string> lines;  ///< Without the last one.
  std::string next;                ///< The request that continues; empty at the end.
};
/// Errors  kReject: what the agent says is wrong. kStop: the answer is cut off.
Result<LocalAnswer> parse_answer(std::string_view text);

}  // namespace outrider
