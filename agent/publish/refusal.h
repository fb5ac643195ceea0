// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agent/store/row.h"

namespace outrider {

/// What a refusal is about.
enum class Blame : std::uint8_t {
  kNobody,   ///< The moment: the same message may be taken later.
  kUnclear,  ///< The code does not say; when it stays, it is taken to be about the message.
  kMessage,  ///< This message and no other.
  kTopic,    ///< The topic, or our right to it: the next message would fare the same.
};

/// Of a reason code in PUBACK, 0x80 or above; or with which `Broker::publish` would have been refused.
Blame blame_of(int reason_code);

/// True when a broker that ended the connection with this DISCONNECT reason (0: it just closed it) may have done so
/// because of the message it had just received.
bool may_end_for_message(int reason_code);

/// Rows of one stream that were one message.
struct RowRange {
  Sequence first = 0;
  Sequence last = 0;
  std::uint32_t rows = 0;
  bool is_gap = false;  ///< One row, and it is a gap record.
};

/// How many rows a message of one stream may have: halved to find the row that cannot go, grown back behind it.
class RowLimit {
 public:
  static constexpr std::uint32_t kMost = 4096;

  std::uint32_t value() const { return value_; }
  /// One of these rows cannot go.
  void narrow(const RowRange& failed);
  void one_by_one(const RowRange& failed);
  void accepted(Sequence last);

 private:
  std::uint32_t value_ = kMost;
  Sequence suspect_through_ = 0;
};

/// Decides, for one stream, what becomes of rows that the broker refuses.
///
/// A row that alone was refused is buried: at once when the code blames the message, after kTries when it blames the
/// topic or is unclear. The gap record in its place has to go through before the next row is tried, and is never
/// buried. So when not the row but the topic was the reason, that one row proves it, and the stream then waits.
///
/// Threads  pure.
class RefusalPolicy {
 public:
  static constexpr std::uint32_t kTries = 5;
  enum class Step : std::uint8_t {
    kWait,   ///< Try again after a pause.
    kRetry,  ///< Try again at once: fewer rows.
    kBury,   ///< The one row can never be delivered.
  };

  Step refused(Blame blame, const RowRange& message, RowLimit& limit);
  void accepted();

  /// In a row, without anything accepted.
  std::uint32_t refusals() const { return refusals_; }
  /// Something that is known to be good, or was judged already, is refused: nothing more is buried until it is taken.
  bool is_holding() const { return is_holding_; }

 private:
  Step wait_or_bury(const RowRange& message, std::uint32_t tries_needed);

  std::uint32_t refusals_ = 0;
  Sequence suspect_ = 0;     // first row of the message refused last
  std::uint32_t tries_ = 0;  // how often a message that begins with it was
  bool is_holding_ = false;
};

}  // namespace outrider
