// SPDX-License-Identifier: Apache-2.0
#include "agent/store/outbox.h"

#include <algorithm>
#include <utility>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/store/outbox_state.h"

namespace outrider {
namespace {

// Stream ids take the upper 16 bits of a signed row id.
constexpr std::size_t kMaxStreams = 1U << 15U;

}  // namespace

const char* name_of(Channel channel) { return channel == Channel::kTelemetry ? "telemetry" : "events"; }

// Who and when.

const std::string& Outbox::epoch() const { return state_->epoch; }
bool Outbox::was_unclean() const { return state_->was_unclean; }
const std::optional<SalvageReport>& Outbox::salvage_report() const { return state_->salvage_report; }
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
  return state_->activate({name.first, channel, fresh});
}

std::uint32_t Outbox::boot(std::string_view boot_id) { return state_->boot_table.key_of(boot_id); }

std::string Outbox::boot_id(std::uint32_t boot) const { return state_->boot_table.id_of(boot); }

void Outbox::note_offset(const OffsetEntry& entry) { state_->boot_table.note(entry); }

const std::vector<OffsetEntry>& Outbox::offsets() const { return state_->boot_table.offsets(); }

// Storing.

Result<Sequence> Outbox::append(StreamIndex stream, Row row, const LossCounts& losses) {
  ENSURE(stream < state_->streams.size());
  return state_->stage({stream, std::move(row), losses});
}

Result<Sequence> Outbox::State::stage(StagedRow entry) {
  Row& row = entry.row;
  if (row.payload.size() > limits.max_row_bytes)
    return reject("a row of " + size_text(row.payload.size()) +
                  " is too large for the buffer, which takes rows up to " + size_text(limits.max_row_bytes) +
                  "; raise buffer.max_bytes");
  const std::uint64_t cost = cost_of(row);
  if (staged_bytes + cost > options.max_staged_bytes)
    return reject("there is no room for a row of " + size_text(row.payload.size()) + " beside " +
                  size_text(staged_bytes) + " that could not be written yet (limit " +
                  size_text(options.max_staged_bytes) + ")");
  Stream& owner = streams[entry.stream];
  row.seq = row.through = owner.next_number();
  row.lost = static_cast<std::uint32_t>(std::min<std::uint64_t>(total(entry.losses), UINT32_MAX));
  owner.staged.add(row, entry.losses);
  const Sequence number = row.seq;
  staged_bytes += cost;
  staged.push_back(std::move(entry));
  return number;
}

void Outbox::note_given_up(std::string_view reason) {
  if (!state_->gave_up_at) log_error("store.full", reason);
  state_->gave_up_at = state_->last_asked;
}

Status Outbox::commit() { return state_->commit(); }

bool Outbox::is_commit_due(BootTime now) const {
  state_->last_asked = now;
  if (state_->staged.empty() && !state_->has_changes()) return false;
  const milliseconds interval =
      state_->may_hold_back() ? state_->options.memory_window : state_->options.commit_interval;
  // After a failure only time is a reason: the disk would be tried again and again.
  if (!state_->health.is_failing && state_->staged_bytes >= state_->options.max_staged_bytes / 2) return true;
  return !state_->last_commit || now - *state_->last_commit >= interval;
}

void Outbox::set_live(bool is_live) { state_->is_live = is_live; }

/// Everything staged may wait for its acknowledgement rather than for the disk.
bool Outbox::State::may_hold_back() const {
  return is_live && reads_memory() && !health.is_failing &&
         std::none_of(staged.begin(), staged.end(), [&](const StagedRow& entry) {
           return names[entry.stream].channel == Channel::kEvents || entry.dead_letter != 0;
         });
}

// Counts.

Backlog Outbox::backlog(StreamIndex stream) const {
  ENSURE(stream < state_->streams.size());
  const Stream& owner = state_->streams[stream];
  RowSum waiting = owner.waiting;
  Sequence newest = owner.newest;
  if (state_->reads_memory()) {
    waiting += owner.staged.rows;
    newest += static_cast<Sequence>(owner.staged.rows.rows);
  }
  return {.oldest = waiting.rows > 0 ? owner.acked + 1 : 0,
          .newest = newest,
          .rows = waiting.rows,
          .samples = waiting.samples,
          .bytes = waiting.bytes};
}

Ledger Outbox::ledger(StreamIndex stream) const {
  ENSURE(stream < state_->streams.size());
  const Stream& owner = state_->streams[stream];
  const std::uint64_t staged = owner.staged.rows.samples;
  const std::uint64_t lost = total(owner.staged.losses);
  return {.sampled = owner.sampled + staged + lost,
          .delivered = owner.delivered,
          .waiting = owner.waiting.samples + staged,
          .lost = owner.lost + lost};
}

LossCounts Outbox::losses(StreamIndex stream) const {
  ENSURE(stream < state_->streams.size());
  const Stream& owner = state_->streams[stream];
  LossCounts losses = owner.losses;
  for (const auto& [cause, samples] : owner.staged.losses)
    count_loss(losses, cause, samples, kMostStoredCauses);
  return losses;
}

std::uint64_t Outbox::staged_samples(StreamIndex stream) const {
  ENSURE(stream < state_->streams.size());
  const StagedSum& staged = state_->streams[stream].staged;
  return staged.rows.samples + total(staged.losses);
}

std::uint64_t Outbox::staged_rows() const { return state_->staged.size(); }

std::uint64_t Outbox::file_bytes() const {
  const std::string& path = state_->options.path;
  return path.empty() ? 0 : database_bytes(path);
}

StoreHealth Outbox::health() const {
  StoreHealth health = state_->health;
  health.file_bytes = file_bytes();
  health.is_damaged = is_damaged();
  const IoCounters io = state_->database->io_counters();
  health.written_bytes = io.written_bytes;
  health.syncs = io.syncs;
  health.dead_letters = state_->letter_table.size();
  if (const std::string& why = state_->options.in_memory_because; !why.empty()) {
    health.is_in_memory = true;
    health.last_error = why;
  }
  return health;
}

bool Outbox::is_damaged() const { return state_->health.is_damaged || state_->database->was_damaged(); }

}  // namespace outrider
