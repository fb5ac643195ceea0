// SPDX-License-Identifier: Apache-2.0
#include "agent/store/outbox.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/store/outbox_state.h"

namespace outrider {
namespace {

// Stream ids take the upper 16 bits of a signed row id.
constexpr std::size_t kMaxStreams = 1U << 15U;

// A full file still has to shrink: balancing the tree can take a few pages before a delete gives some back.
constexpr std::int64_t kRoomToDelete = 64;

std::uint64_t size_of(const std::filesystem::path& path) {
  std::error_code absent;
  const std::uintmax_t bytes = std::filesystem::file_size(path, absent);
  return absent ? 0 : bytes;
}

}  // namespace

const char* name_of(Channel channel) { return channel == Channel::kTelemetry ? "telemetry" : "events"; }

// Who and when.

const std::string& Outbox::epoch() const { return state_->epoch; }
bool Outbox::was_unclean() const { return state_->was_unclean; }
const std::vector<Outbox::StreamName>& Outbox::streams() const { return state_->names; }

Result<StreamIndex> Outbox::stream(std::string_view vehicle_id, Channel channel) {
  const State::Name name(vehicle_id, channel);
  if (const auto known = state_->indexes.find(name); known != state_->indexes.end()) return known->second;
  if (const auto found = state_->dormant.find(name); found != state_->dormant.end()) {
    const StreamIndex index = state_->activate({name.first, channel, found->second});
    state_->dormant.erase(found);
    return index;
  }
  if (state_->next_stream_id >= kMaxStreams)
    return reject("the buffer has " + std::to_string(kMaxStreams) +
                  " streams already; none can be added for vehicle " + name.first);
  // Written with the next commit: registering never waits for the disk, nor fails because it is full.
  Stream fresh;
  fresh.id = static_cast<StreamIndex>(state_->next_stream_id++);
  fresh.is_changed = true;
  state_->is_changed = true;
  return state_->activate({name.first, channel, fresh});
}

Result<std::uint32_t> Outbox::boot(std::string_view boot_id) {
  const std::uint32_t key = state_->boot_table.key_of(boot_id);
  state_->is_changed = state_->is_changed || state_->boot_table.is_changed();
  return key;
}

void Outbox::note_offset(const OffsetEntry& entry) {
  state_->boot_table.note(entry);
  state_->is_changed = state_->is_changed || state_->boot_table.is_changed();
}

const std::vector<OffsetEntry>& Outbox::offsets() const { return state_->boot_table.offsets(); }

// Storing.

Result<Sequence> Outbox::append(StreamIndex stream, Row row, std::uint64_t lost_samples) {
  ENSURE(stream < state_->streams.size());
  const std::uint64_t cost = State::cost_of(row);
  if (state_->staged_bytes + cost > state_->options.max_staged_bytes)
    return reject("there is no room for a row of " + size_text(row.payload.size()) + " beside " +
                  size_text(state_->staged_bytes) + " that could not be written yet (limit " +
                  size_text(state_->options.max_staged_bytes) + ")");
  Stream& owner = state_->streams[stream];
  row.seq = row.through = owner.next_number();
  owner.staged.add(row);
  owner.staged_lost += lost_samples;
  const Sequence number = row.seq;
  state_->staged_bytes += cost;
  state_->staged.push_back({stream, std::move(row)});
  return number;
}

Status Outbox::commit() { return state_->commit(); }

bool Outbox::is_commit_due(BootTime now) const {
  state_->last_asked = now;
  if (state_->staged.empty() && !state_->is_changed) return false;
  // After a failure only time is a reason: the disk would be tried again and again.
  if (!state_->has_failed && state_->staged_bytes >= state_->options.max_staged_bytes / 2) return true;
  return !state_->last_commit || now - *state_->last_commit >= state_->options.commit_interval;
}

Status Outbox::State::commit() {
  last_commit = last_asked;
  has_failed = true;
  for (Stream& stream : streams)
    if (Status settled = settle(stream); !settled) return settled;
  if (!staged.empty() || is_changed) {
    Status written = write(/*with_staged=*/true);
    if (!written && database->was_full()) written = commit_when_full(written);
    if (!written) return written;
  }
  has_failed = false;
  return ok();
}

/// Gets by with less room: first the log is emptied and written from its beginning; if that is not enough,
/// acknowledgements and their deletes are written alone, so that there is room next time.
Status Outbox::State::commit_when_full(Status failure) {
  if (Status emptied = database->checkpoint(); emptied) {
    failure = write(/*with_staged=*/true);
    if (failure || !database->was_full()) return failure;
  }
  if (!is_changed) return failure;
  Status room = set_page_limit(*database, limits.database_pages + kRoomToDelete);
  if (room) room = write(/*with_staged=*/false);
  if (!room) log_warning("store.full", room.error().text);
  if (Status limited = set_page_limit(*database, limits.database_pages); !limited) return limited;
  return failure;
}

Status Outbox::State::write(bool with_staged) {
  Status done = database->transact([&]() -> Status {
    // Deletes first: rows that come take the pages of rows that go, and fewer pages are written.
    if (Status written = write_rows(with_staged); !written) return written;
    if (Status written = write_counters(with_staged); !written) return written;
    if (Status written = boot_table.write(); !written) return written;
    return is_marked_open ? ok() : write_meta(*database, kCleanKey, "0");
  });
  if (!done) return done;

  is_changed = false;
  is_marked_open = true;
  boot_table.written();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Stream& stream = streams[i];
    if (with_staged) stream = stream.folded();
    stream.removed = removals[i];
    stream.is_changed = false;
    stream.is_in_file = true;
    is_changed = is_changed || stream.has_removable();
  }
  if (with_staged) {
    staged.clear();
    staged_bytes = 0;
  }
  return ok();
}

Status Outbox::State::write_rows(bool with_staged) {
  removals.resize(streams.size());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const Stream& stream = streams[i];
    removals[i] = stream.removed;
    if (!stream.has_removable()) continue;
    Result<Sequence> removed = row_table.remove_some(stream.id, stream.removed + 1, stream.acked);
    if (!removed) return removed.error();
    removals[i] = *removed;
  }
  if (!with_staged) return ok();
  for (const StagedRow& entry : staged)
    if (Status inserted = row_table.insert(streams[entry.stream].id, entry.row); !inserted) return inserted;
  return ok();
}

Status Outbox::State::write_counters(bool with_staged) {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const Stream& stream = streams[i];
    if (!stream.is_changed && !(with_staged && stream.staged.rows > 0)) continue;
    Status saved =
        stream_table.save(names[i].vehicle_id, names[i].channel, with_staged ? stream.folded() : stream);
    if (!saved) return saved;
  }
  return ok();
}

// Delivering.

Status Outbox::read(StreamIndex stream, Sequence from, std::size_t max_bytes, std::size_t max_rows,
                    std::vector<Row>& rows) {
  ENSURE(stream < state_->streams.size());
  const Stream& owner = state_->streams[stream];
  const Sequence first = std::max(from, owner.wanted + 1);
  if (first > owner.newest) return ok();
  return state_->row_table.read(owner.id, first, max_bytes, max_rows, rows);
}

void Outbox::acknowledge(StreamIndex stream, Sequence through) {
  ENSURE(stream < state_->streams.size());
  Stream& owner = state_->streams[stream];
  owner.wanted = std::max(owner.wanted, std::min(through, owner.newest));
  if (owner.wanted == owner.acked) return;
  state_->is_changed = true;
  // After an error the next commit counts again, and reports it.
  if (Status settled = state_->settle(owner); !settled) log_warning("store", settled.error().text);
}

/// Moves what was acknowledged from waiting to delivered.
Status Outbox::State::settle(Stream& stream) {
  if (stream.wanted == stream.acked) return ok();
  RowSum delivered = stream.waiting;
  if (stream.wanted < stream.newest) {
    Result<RowSum> sum = row_table.sum(stream.id, stream.acked + 1, stream.wanted);
    if (!sum) return sum.error();
    delivered = *sum;
  }
  if (!stream.waiting.covers(delivered)) return recount(stream);
  stream.acknowledge(stream.wanted, delivered);
  return ok();
}

/// The counters in the file contradict its rows: somebody changed it, or storage did. The rows are what counts.
Status Outbox::State::recount(Stream& stream) {
  Result<RowSum> left = row_table.sum(stream.id, stream.wanted + 1, stream.newest);
  if (!left) return left.error();
  log_warning("store.counters", "the counters of the buffer did not fit its rows and were made anew");
  stream.acknowledge(stream.wanted, stream.waiting);
  stream.waiting = *left;
  stream.sampled = stream.delivered + stream.waiting.samples + stream.lost;
  return ok();
}

// Counts.

Backlog Outbox::backlog(StreamIndex stream) const {
  ENSURE(stream < state_->streams.size());
  const Stream& owner = state_->streams[stream];
  const RowSum& waiting = owner.waiting;
  return {.oldest = waiting.rows > 0 ? owner.acked + 1 : 0,
          .newest = owner.newest,
          .rows = waiting.rows,
          .samples = waiting.samples,
          .bytes = waiting.bytes};
}

Ledger Outbox::ledger(StreamIndex stream) const {
  ENSURE(stream < state_->streams.size());
  const Stream now = state_->streams[stream].folded();
  return {
      .sampled = now.sampled, .delivered = now.delivered, .waiting = now.waiting.samples, .lost = now.lost};
}

std::uint64_t Outbox::staged_rows() const { return state_->staged.size(); }

std::uint64_t Outbox::file_bytes() const {
  const std::string& path = state_->options.path;
  if (path.empty()) return 0;
  return size_of(path) + size_of(path + "-wal");
}

}  // namespace outrider
