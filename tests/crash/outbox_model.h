// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/store/outbox.h"

namespace outrider {

/// The outbox broke a promise; the text says which.
struct Disagreement : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void must(bool holds, const std::string& promise) {
  if (!holds) throw Disagreement(promise);
}

/// What one stream of an outbox must hold, kept the simplest way: every row that ever had a number.
///
/// Which rows are evicted is the outbox's choice, so the model follows what it sees and judges whether that was allowed.
class ModelStream {
 public:
  struct Entry {
    Row row;
    std::uint64_t lost = 0;  ///< Samples lost before it.
    bool is_gone = false;    ///< A gap record stands for it.
  };

  // What the test did.
  void append(Row row, std::uint64_t lost);
  /// The first `rows` of the staged rows are durable.
  void committed(std::size_t rows);
  /// All that was done so far is durable.
  void settled();
  void sent(Sequence through);
  void acknowledged(Sequence through);
  void buried(Sequence seq);

  /// How much an outbox may differ from the model.
  struct Allowance {
    bool is_after_crash = false;  ///< What was not settled may or may not have become durable.
    bool may_evict = false;
    bool may_expire = false;
  };
  /// Follows and judges what the outbox now holds. Returns the numbers that went since.
  std::vector<Sequence> observe(Outbox& outbox, StreamIndex index, const Allowance& allowance);
  /// Compares a part of the rows, and whatever the outbox counts.
  void compare_read(Outbox& outbox, StreamIndex index, Sequence from, std::size_t max_rows) const;
  void compare_counts(const Outbox& outbox, StreamIndex index) const;

  Sequence newest() const { return newest_; }
  Sequence acked() const { return acked_; }
  Sequence sent() const { return sent_; }
  Sequence next_number() const { return static_cast<Sequence>(entries_.size()) + 1; }
  std::size_t staged() const { return entries_.size() - static_cast<std::size_t>(newest_); }
  const Entry& at(Sequence seq) const { return entries_.at(static_cast<std::size_t>(seq) - 1); }
  const std::vector<Row>& rows() const { return rows_; }
  /// A row that waits, was not sent, and may be evicted.
  bool has_evictable(Sequence up_to) const;

 private:
  Entry& entry(Sequence seq) { return entries_.at(static_cast<std::size_t>(seq) - 1); }
  void adopt_bounds(const std::vector<Row>& rows, Sequence newest, const Allowance& allowance);
  void judge_row(const Row& row) const;
  void judge_gap(const Row& row, const Allowance& allowance, std::vector<Sequence>& gone);
  void judge_sent(const std::vector<Row>& rows) const;

  std::vector<Entry> entries_;  ///< Number n at index n - 1; those behind newest_ are staged.
  std::vector<Row> rows_;       ///< As last observed: everything that waits.
  Sequence newest_ = 0;
  Sequence acked_ = 0;
  Sequence sent_ = 0;
  Sequence acked_for_sure_ = 0;
  Sequence sent_for_sure_ = 0;
  Sequence sent_ever_ = 0;  ///< In a life that may have ended before it was noted.
  std::set<Sequence>
      burying_;  ///< Rows that were told to go in this life: one that failed may be gone in the next.
};

}  // namespace outrider
