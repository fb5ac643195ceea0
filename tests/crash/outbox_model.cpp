// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/outbox_model.h"

#include <algorithm>
#include <utility>

#include "agent/store/gap.h"

namespace outrider {
namespace {

std::string number(Sequence seq) { return "row " + std::to_string(seq); }

bool are_same(const Row& one, const Row& other) {
  return one.seq == other.seq && one.through == other.through && one.format == other.format &&
         one.samples == other.samples && one.boot == other.boot && one.time == other.time &&
         one.payload == other.payload;
}

}  // namespace

void ModelStream::append(Row row, std::uint64_t lost) { entries_.push_back({std::move(row), lost}); }

void ModelStream::committed(std::size_t rows) { newest_ += static_cast<Sequence>(rows); }

void ModelStream::settled() {
  acked_for_sure_ = acked_;
  sent_for_sure_ = sent_;
}

void ModelStream::sent(Sequence through) {
  sent_ = std::max(sent_, through);
  sent_ever_ = std::max(sent_ever_, through);
}

void ModelStream::acknowledged(Sequence through) {
  acked_ = std::max(acked_, through);
  std::erase_if(rows_, [&](const Row& row) { return row.seq <= acked_; });
}

void ModelStream::buried(Sequence seq) { burying_.insert(seq); }

bool ModelStream::has_evictable(Sequence up_to) const {
  return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) {
    return row.format != RowFormat::kGap && row.seq > sent_ever_ && row.seq <= up_to;
  });
}

std::vector<Sequence> ModelStream::observe(Outbox& outbox, StreamIndex index, const Allowance& allowance) {
  std::vector<Row> rows;
  const Status read = outbox.read(index, 0, 1ULL << 40U, 1U << 30U, rows);
  must(bool(read), "rows can be read when the storage works: " + (read ? "" : read.error().text));
  const Backlog backlog = outbox.backlog(index);
  adopt_bounds(rows, backlog.newest, allowance);
  if (!allowance.is_after_crash) judge_sent(rows);

  std::vector<Sequence> gone;
  Sequence expected = acked_ + 1;
  for (const Row& row : rows) {
    must(row.seq == expected && row.through >= row.seq,
         number(expected) + " is there or covered by a gap record");
    expected = row.through + 1;
    if (row.format == RowFormat::kGap)
      judge_gap(row, allowance, gone);
    else
      judge_row(row);
  }
  must(expected == newest_ + 1, "the newest number is that of the last row");
  rows_ = std::move(rows);
  if (allowance.is_after_crash) burying_.clear();
  return gone;
}

/// Where the numbers begin and end: exactly known, but for a crash.
void ModelStream::adopt_bounds(const std::vector<Row>& rows, Sequence newest, const Allowance& allowance) {
  const Sequence acked = rows.empty() ? newest : rows.front().seq - 1;
  if (!allowance.is_after_crash) {
    must(newest == newest_, "the newest committed number is known");
    must(acked == acked_, "only acknowledged rows are gone, and all of them");
    return;
  }
  must(newest >= newest_, "no committed row is missing at the end");
  must(newest < next_number(), "no number appears that was never given");
  must(acked >= acked_for_sure_, "an acknowledgement that was committed is not forgotten");
  must(acked <= acked_, "only acknowledged rows are gone");
  newest_ = newest;
  acked_ = acked_for_sure_ = acked;
  sent_ = sent_for_sure_ = std::max(sent_for_sure_, acked);
  entries_.resize(static_cast<std::size_t>(newest));
}

void ModelStream::judge_row(const Row& row) const {
  must(are_same(row, at(row.seq).row), number(row.seq) + " is what was appended under that number");
  must(!at(row.seq).is_gone, number(row.seq) + " does not come back once a gap record reported it as lost");
}

void ModelStream::judge_gap(const Row& row, const Allowance& allowance, std::vector<Sequence>& gone) {
  std::uint64_t samples = 0;
  for (Sequence seq = row.seq; seq <= row.through; ++seq) {
    samples += at(seq).row.samples + at(seq).lost;
    if (at(seq).is_gone) continue;
    if (!burying_.contains(seq)) {
      must(allowance.may_evict || allowance.may_expire,
           number(seq) + " stays while there is room and it is not too old");
      must(seq > sent_, number(seq) + " was sent and so it is not given up");
    }
    entry(seq).is_gone = true;
    gone.push_back(seq);
  }
  const Gap gap = parse_gap(row.payload);
  must(gap.rows() == static_cast<std::uint64_t>(row.through - row.seq + 1),
       "a gap record counts the rows that it covers");
  must(gap.samples() == samples, "a gap record counts the samples of the rows that it covers");
}

/// What was sent is never sent with other contents: neither rows nor gap records change.
void ModelStream::judge_sent(const std::vector<Row>& rows) const {
  for (std::size_t i = 0; i < rows_.size() && rows_[i].seq <= sent_; ++i) {
    if (burying_.contains(rows_[i].seq)) continue;
    must(i < rows.size() && are_same(rows[i], rows_[i]),
         number(rows_[i].seq) + " is what it was when it was sent");
  }
}

void ModelStream::compare_read(Outbox& outbox, StreamIndex index, Sequence from, std::size_t max_rows) const {
  std::vector<Row> rows;
  must(bool(outbox.read(index, from, 1ULL << 40U, max_rows, rows)),
       "rows can be read when the storage works");
  const auto first =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.seq >= from; });
  const auto there = static_cast<std::size_t>(rows_.end() - first);
  must(rows.size() == std::min(there, max_rows), "as many rows are read as there are and were asked for");
  must(std::equal(rows.begin(), rows.end(), first, are_same), "rows are read in order and as they are");
}

void ModelStream::compare_counts(const Outbox& outbox, StreamIndex index) const {
  Ledger expected;
  for (Sequence seq = 1; seq < next_number(); ++seq) {
    const Entry& entry = at(seq);
    const bool is_delivered = seq <= acked_;
    (entry.is_gone  ? expected.lost
     : is_delivered ? expected.delivered
                    : expected.waiting) += entry.row.samples;
    expected.lost += entry.lost;
  }
  const Ledger actual = outbox.ledger(index);
  must(actual.sampled == actual.delivered + actual.waiting + actual.lost, "the ledger closes");
  must(actual.delivered == expected.delivered, "what was delivered is counted");
  must(actual.waiting == expected.waiting, "what waits is counted");
  must(actual.lost == expected.lost, "what was lost is counted, " + std::to_string(expected.lost) +
                                         " and not " + std::to_string(actual.lost));
  must(total(outbox.losses(index)) == actual.lost, "the causes add up to what was lost");
  const Backlog backlog = outbox.backlog(index);
  std::uint64_t bytes = 0;
  for (const Row& row : rows_) bytes += row.payload.size();
  must(backlog.rows == rows_.size() && backlog.bytes == bytes, "the backlog is counted");
  must(backlog.newest == newest_ && backlog.oldest == (rows_.empty() ? 0 : acked_ + 1),
       "the backlog has its ends");
}

}  // namespace outrider
