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

std::uint32_t Outbox::boot(std::string_view boot_id) {
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

Result<Sequence> Outbox::append(StreamIndex stream, Row row, const LossCounts& losses) {
  ENSURE(stream < state_->streams.size());
  if (row.payload.size() > state_->limits.max_row_bytes)
    return reject("a row of " + size_text(row.payload.size()) +
                  " is too large for the buffer, which takes rows up to " +
                  size_text(state_->limits.max_row_bytes) + "; raise buffer.max_bytes");
  const std::uint64_t cost = State::cost_of(row);
  if (state_->staged_bytes + cost > state_->options.max_staged_bytes)
    return reject("there is no room for a row of " + size_text(row.payload.size()) + " beside " +
                  size_text(state_->staged_bytes) + " that could not be written yet (limit " +
                  size_text(state_->options.max_staged_bytes) + ")");
  Stream& owner = state_->streams[stream];
  row.seq = row.through = owner.next_number();
  owner.staged.add(row, losses);
  const Sequence number = row.seq;
  state_->staged_bytes += cost;
  state_->staged.push_back({stream, std::move(row), losses});
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
    Status written = write(staged.size());
    if (!written && database->was_full()) written = commit_when_full(written);
    if (!written) return written;
  }
  has_failed = !staged.empty();  // the rest waits for room, which only time brings
  return ok();
}

/// Gets by with less room: first the log is emptied and written from its beginning; if that is not enough,
/// acknowledgements and their deletes are written alone, and then as many rows as there is room for.
Status Outbox::State::commit_when_full(Status failure) {
  if (Status emptied = database->checkpoint(); emptied) {
    failure = write(staged.size());
    if (failure || !database->was_full()) return failure;
  }
  if (is_changed)
    if (Status written = write_acknowledgements(); !written || staged.empty()) return written;
  return write_what_fits(std::move(failure));
}

Status Outbox::State::write_acknowledgements() {
  Status done = set_page_limit(*database, limits.database_pages + kRoomToDelete);
  if (done) done = write(0);
  Status limited = set_page_limit(*database, limits.database_pages);
  return done ? limited : done;
}

/// The oldest half of the staged rows, or half of that, down to one row: together they can be more than the file may
/// ever hold.
Status Outbox::State::write_what_fits(Status failure) {
  for (std::size_t rows = std::max<std::size_t>(staged.size() / 2, 1); rows > 0; rows /= 2) {
    failure = write(rows);
    if (failure || !database->was_full()) return failure;
  }
  return failure;
}

/// Everything that changed and the first `rows` of the staged rows, in one transaction.
Status Outbox::State::write(std::size_t rows) {
  parts.assign(streams.size(), {});
  for (std::size_t i = 0; i < rows; ++i) parts[staged[i].stream].add(staged[i].row, staged[i].losses);
  Status done = database->transact([&]() -> Status {
    // Deletes first: rows that come take the pages of rows that go, and fewer pages are written.
    if (Status inserted = write_rows(rows); !inserted) return inserted;
    if (Status saved = write_counters(); !saved) return saved;
    if (Status saved = boot_table.write(); !saved) return saved;
    return is_marked_open ? ok() : write_meta(*database, kCleanKey, "0");
  });
  if (done) written(rows);
  return done;
}

void Outbox::State::written(std::size_t rows) {
  is_changed = false;
  is_marked_open = true;
  boot_table.written();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Stream& stream = streams[i];
    stream = stream.folded(parts[i]);
    stream.removed = removals[i];
    stream.is_changed = false;
    stream.is_in_file = true;
    is_changed = is_changed || stream.has_removable();
  }
  const auto end = staged.begin() + static_cast<std::ptrdiff_t>(rows);
  for (auto entry = staged.begin(); entry != end; ++entry) staged_bytes -= cost_of(entry->row);
  staged.erase(staged.begin(), end);
}

Status Outbox::State::write_rows(std::size_t rows) {
  removals.resize(streams.size());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const Stream& stream = streams[i];
    removals[i] = stream.removed;
    if (!stream.has_removable()) continue;
    Result<Sequence> removed = row_table.remove_some(stream.id, stream.removed + 1, stream.acked);
    if (!removed) return removed.error();
    removals[i] = *removed;
  }
  for (std::size_t i = 0; i < rows; ++i)
    if (Status done = row_table.insert(streams[staged[i].stream].id, staged[i].row); !done) return done;
  return ok();
}

Status Outbox::State::write_counters() {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const Stream& stream = streams[i];
    if (!stream.is_changed && parts[i].rows.rows == 0) continue;
    Status saved = stream_table.save(names[i].vehicle_id, names[i].channel, stream.folded(parts[i]));
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
  const Stream& owner = state_->streams[stream];
  const Stream now = owner.folded(owner.staged);
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
