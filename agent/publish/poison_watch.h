// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "agent/publish/refusal.h"

namespace outrider {

/// Finds the row that makes a broker end the connection. MQTT 3.1.1 knows no other way to refuse a message, and some
/// brokers do so on MQTT 5. A bad network looks much the same, so a row is only given up with proof.
///
/// Suspicion  kTries connections ended by the broker while the same rows of a stream were in flight. From then on one
///            message is in flight at a time, of fewer and fewer rows, until they are through; after that the window
///            doubles with every message that is taken.
/// Proof      kTries times in a row the suspect was in flight alone, in a connection on which the broker had answered
///            something else before, and the broker ended it. Any other end of the connection begins the count anew.
/// Threads    pure.
class PoisonWatch {
 public:
  static constexpr std::uint32_t kTries = 3;
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  /// Unacknowledged messages of one stream when the connection ended; `oldest` is the one in front.
  struct InFlight {
    StreamIndex stream = 0;
    RowRange oldest = {};
    std::size_t messages = 0;
  };
  enum class Verdict : std::uint8_t {
    kInnocent,
    kNarrow,  ///< One of these rows: send fewer at a time.
    kPoison,  ///< This row, alone.
  };
  struct Judgement {
    Verdict verdict = Verdict::kInnocent;
    InFlight suspect = {};
  };

  void connected() { has_answer_ = false; }
  /// The broker answered a message, whichever.
  void answered() { has_answer_ = true; }
  /// Rows of `stream` up to `last` have arrived.
  void accepted(StreamIndex stream, Sequence last);
  /// An established connection ended with these in flight, and nothing else unless `has_more`.
  Judgement lost(bool by_broker, std::span<const InFlight> in_flight, bool has_more);

  /// Messages that may be in flight.
  std::size_t window() const { return window_; }
  bool is_careful() const { return window_ != kNoLimit; }
  bool suspects(StreamIndex stream) const;

 private:
  struct Suspicion {
    StreamIndex stream = 0;
    Sequence through = 0;
    std::uint32_t losses = 0;
    std::uint32_t proofs = 0;
  };

  Suspicion* find(StreamIndex stream);
  Suspicion& note(const InFlight& suspect);

  std::vector<Suspicion> suspicions_;
  std::size_t window_ = kNoLimit;
  bool has_answer_ = false;
};

}  // namespace outrider
