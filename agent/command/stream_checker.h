// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "agent/command/latency_histogram.h"
#include "agent/command/message_reader.h"
#include "agent/command/number_ledger.h"
#include "agent/command/row_memory.h"

namespace outrider {

/// What a consumer can say about what arrived.
struct StreamReport {
  std::uint64_t messages = 0;  ///< Of rows.
  std::uint64_t rows = 0;      ///< Each once; gap records are not rows.
  std::uint64_t samples = 0;   ///< Of those rows.
  std::uint64_t gap_records = 0;
  std::uint64_t repeats = 0;        ///< Rows and gap records that came again.
  std::uint64_t gaps = 0;           ///< Ranges of numbers that neither came nor were reported lost.
  std::uint64_t missing = 0;        ///< Numbers in those ranges.
  std::uint64_t reported_lost = 0;  ///< Samples.
  std::uint64_t out_of_order = 0;   ///< New rows below the highest number of their stream and epoch.
  std::uint64_t conflicts = 0;      ///< Repeats whose content was another one.
  std::uint64_t broken = 0;         ///< Messages that are no JSON, or not what the schema promises.
  std::uint64_t status_documents = 0;
  std::uint64_t other = 0;  ///< JSON of somebody else.
  std::uint64_t streams = 0;
  std::uint64_t epochs = 0;   ///< Of all streams; equal to `streams` when no buffer began anew.
  double latency_p50_ms = 0;  ///< From the newest sample of a row to its arrival.
  double latency_p99_ms = 0;
  double latency_max_ms = 0;

  /// The promises held: order, completeness, one content per key; and there was something to check.
  bool is_fine() const;
  /// One line of JSON without a newline.
  std::string json() const;
};

struct StreamCheckerOptions {
  bool from_start =
      false;  ///< Every stream must begin with number 1; else the first that is seen is its start.
};

/// Keeps account of the messages of any number of vehicles, in both layouts.
///
/// Shape   a row's key is (vehicle_id, channel, epoch, seq). Whoever sees a gap record for numbers that did arrive has
///         no reason to complain: the agent cannot know which of the rows in flight got through before it gave them up.
/// Bounds  kMaxAccounts streams × epochs (a message beyond is broken), hashes of at least kRememberedRows rows.
/// Threads  one.
class StreamChecker {
 public:
  static constexpr std::size_t kMaxAccounts = 1U << 19U;
  static constexpr std::size_t kRememberedRows = 1'000'000;

  explicit StreamChecker(StreamCheckerOptions options = {}) : options_(options) {}

  void take(std::string_view payload, WallTime received);

  StreamReport report() const;
  /// Where the first thing that is not fine was seen, as a sentence; "" when all is.
  std::string first_problem() const;

 private:
  struct Account {
    Account(std::uint64_t number, bool from_start) : index(number), numbers(from_start) {}
    std::uint64_t key_of(std::int64_t seq) const { return index << 44U | static_cast<std::uint64_t>(seq); }

    const std::uint64_t index;
    NumberLedger numbers;
  };

  Account* account_of(const SeenRow& row, SeenMessage::Kind kind);
  void take_row(Account& account, const SeenRow& row, WallTime received);
  void take_gap(Account& account, const SeenRow& row);
  void note_disorder(const SeenRow& row);
  void complain(std::string problem);

  const StreamCheckerOptions options_;
  StreamReport counts_;  // what is counted as it comes; the rest is computed by report
  std::map<std::string, Account> accounts_;
  std::set<std::string> streams_;
  std::string account_key_;                // of the row at hand: "truck-17/telemetry epoch 7-5f3a91c2"
  RowMemory contents_{kRememberedRows};    // of rows
  RowMemory gap_losses_{kRememberedRows};  // samples that a gap record reported, so that each is counted once
  LatencyHistogram latency_;
  std::string first_problem_;
};

}  // namespace outrider
