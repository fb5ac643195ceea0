// SPDX-License-Identifier: Apache-2.0
// What the publisher asks of the outbox: rows to send, and that they are done with.
#include <algorithm>
#include <string>

#include "agent/base/log.h"
#include "agent/store/outbox_state.h"

namespace outrider {

Status Outbox::read(StreamIndex stream, Sequence from, std::size_t max_bytes, std::size_t max_rows,
                    std::vector<Row>& rows) {
  ENSURE(stream < state_->streams.size());
  const Stream& owner = state_->streams[stream];
  const Sequence first = std::max(from, owner.wanted + 1);
  const std::size_t before = rows.size();
  while (first <= owner.newest && max_rows > 0) {
    Result<Sequence> damaged = state_->row_table.read(owner.id, first, max_bytes, max_rows, rows);
    if (!damaged) return damaged.error();
    if (Status whole = state_->check_numbers(owner, first, *damaged, rows, before); !whole) return whole;
    if (*damaged == 0 || rows.size() > before) break;
    log_error("store.damaged", "row " + std::to_string(*damaged) + " of " + state_->names[stream].vehicle_id +
                                   " is not what was written and will be reported as lost");
    if (Status gone = state_->bury_damaged(stream, *damaged); !gone) return gone;
  }
  const Sequence next = rows.size() > before ? rows.back().through + 1 : first;
  if (next > owner.newest && rows.size() - before < max_rows)
    state_->read_staged(stream, next, {.rows = max_rows, .bytes = max_bytes, .before = before}, rows);
  while (state_->is_held_back && rows.size() > before && rows.back().seq > owner.sent) rows.pop_back();
  return ok();
}

/// Numbers have no holes. A page that was not written, or not where it belongs, is a sound page to SQLite.
Status Outbox::State::check_numbers(const Stream& stream, Sequence first, Sequence damaged,
                                    std::vector<Row>& rows, std::size_t before) {
  Sequence expected = first;
  std::size_t i = before;
  for (; i < rows.size() && rows[i].seq == expected; ++i) expected = rows[i].through + 1;
  if (i == before && damaged != first) {  // a gap record may have grown over `first`
    const Result<Sequence> end = row_table.end_of(stream.id, first);
    if (!end) return end.error();
    if (*end != 0) expected = *end + 1;
    for (; i < rows.size() && rows[i].seq == expected; ++i) expected = rows[i].through + 1;
  }
  if (i == rows.size() && (expected > first || damaged == first)) return ok();
  rows.resize(before);
  health.is_damaged = true;
  return stop("the buffer " + options.path + " is damaged: there is no row " + std::to_string(expected));
}

/// Rows that are sent before they are written. Those of dead letters wait until they are.
void Outbox::State::read_staged(StreamIndex index, Sequence from, const ReadLimits& limit,
                                std::vector<Row>& rows) const {
  if (!reads_memory()) return;
  std::size_t bytes = 0;
  for (std::size_t i = limit.before; i < rows.size(); ++i) bytes += rows[i].payload.size();
  for (const StagedRow& entry : staged) {
    if (entry.stream != index || entry.row.seq < from) continue;
    bytes += entry.row.payload.size();
    const std::size_t taken = rows.size() - limit.before;
    if (entry.dead_letter != 0 || taken >= limit.rows || (bytes > limit.bytes && taken > 0)) return;
    rows.push_back(entry.row);
  }
}

void Outbox::hold_back(bool is_held_back) { state_->is_held_back = is_held_back; }

bool Outbox::is_settled() const {
  return std::all_of(state_->streams.begin(), state_->streams.end(),
                     [](const Stream& stream) { return stream.wanted >= stream.sent; });
}

void Outbox::note_sent(StreamIndex stream, Sequence through) {
  ENSURE(stream < state_->streams.size());
  Stream& owner = state_->streams[stream];
  if (through <= owner.sent) return;
  owner.sent = std::min(through, owner.next_number() - 1);
  owner.is_changed = true;
}

void Outbox::acknowledge(StreamIndex stream, Sequence through) {
  ENSURE(stream < state_->streams.size());
  Stream& owner = state_->streams[stream];
  const Sequence readable = state_->reads_memory() ? owner.next_number() - 1 : owner.newest;
  owner.wanted = std::max(owner.wanted, std::min(through, readable));
  // After an error the next commit counts again, and reports it.
  if (Status settled = state_->settle(stream); !settled) log_warning("store", settled.error().text);
}

/// Moves what was acknowledged from waiting to delivered.
Status Outbox::State::settle(StreamIndex index) {
  Stream& stream = streams[index];
  const Sequence written = std::min(stream.wanted, stream.newest);
  if (stream.acked < written)
    if (Status settled = settle_rows(stream, written); !settled) return settled;
  if (stream.wanted > stream.newest) drop_staged(index);
  return ok();
}

Status Outbox::State::settle_rows(Stream& stream, Sequence through) {
  RowSum delivered = stream.waiting;
  if (through < stream.newest) {
    Result<RowSum> sum = row_table.sum(stream.id, stream.acked + 1, through);
    if (!sum) return sum.error();
    delivered = *sum;
  }
  if (!stream.waiting.covers(delivered)) return recount(stream);
  stream.acknowledge(through, delivered);
  return ok();
}

/// Rows that were acknowledged before they were written never will be: they only count.
void Outbox::State::drop_staged(StreamIndex index) {
  Stream& stream = streams[index];
  StagedSum part;
  const auto is_done = [&](const StagedRow& entry) {
    if (entry.stream != index || entry.row.seq > stream.wanted) return false;
    part.add(entry.row, entry.losses);
    staged_bytes -= cost_of(entry.row);
    return true;
  };
  std::erase_if(staged, is_done);
  const bool has_none_in_file = !stream.has_removable();
  stream.fold(part);
  stream.acknowledge(stream.wanted, part.rows);
  if (has_none_in_file) stream.removed = stream.acked;
  recount_staged();
}

/// The counters in the file contradict its rows: somebody changed it, or storage did. The rows are what counts.
Status Outbox::State::recount(Stream& stream) {
  Result<RowSum> left = row_table.sum(stream.id, std::min(stream.wanted, stream.newest) + 1, stream.newest);
  if (!left) return left.error();
  log_warning("store.counters", "the counters of the buffer did not fit its rows and were made anew");
  RowSum gone;
  if (stream.waiting.covers(*left)) {
    gone = stream.waiting;
    gone -= *left;
  }
  stream.waiting = *left;
  stream.waiting += gone;
  stream.acknowledge(std::min(stream.wanted, stream.newest), gone);
  stream.sampled = stream.delivered + stream.waiting.samples + stream.lost;
  return ok();
}

}  // namespace outrider
