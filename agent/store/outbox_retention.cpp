// SPDX-License-Identifier: Apache-2.0
// What goes when there is too much: the oldest telemetry first, events last, and a gap record in its place.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <tuple>

#include "agent/base/log.h"
#include "agent/store/gap.h"
#include "agent/store/outbox_state.h"

namespace outrider {
namespace {

// One step of eviction deletes at most this much, as one step of deleting delivered rows does.
constexpr std::uint64_t kMostVictims = 4096;
constexpr std::uint64_t kMostVictimBytes = 4ULL << 20U;
// Evicted at a time beyond what is needed now: a step costs a scan and a gap record to be rewritten.
constexpr std::uint64_t kSlackBytes = 64U << 10U;
constexpr int kMostStepsInACommit = 64;

// Of a row in the tree beside its payload, and pages that a commit may need for the other tables.
constexpr std::uint64_t kRowOverheadBytes = 40;
constexpr std::uint64_t kLargestInPage = kPageBytes - 100;
constexpr std::int64_t kOtherPages = 16;

constexpr std::uint64_t kMostReservedDisk = 64ULL << 20U;
constexpr std::uint64_t kReservedShare = 50;  // of the file system: 2 %

/// Never too few: rows that fill more than half of a page leave the rest of it empty.
std::int64_t pages_for(std::uint64_t small_bytes, std::uint64_t large_pages) {
  return static_cast<std::int64_t>(2 * small_bytes / kPageBytes + 1 + large_pages) + kOtherPages;
}

}  // namespace

/// The rows that go in one step, and the gap record that stays.
struct Outbox::State::Victims {
  RowSum gone;  ///< Gap records that are merged included.
  Row gap_row;
  Gap gap;
  std::uint64_t rows = 0;  ///< Rows with samples among them.
  std::uint64_t samples = 0;
};

/// Sees to it that the first `rows` staged rows fit into the file, as far as rows may go.
Status Outbox::State::make_room(std::size_t rows) {
  if (Status held = hold_page_limit(); !held) return held;
  std::uint64_t small_bytes = 0;
  std::uint64_t large_pages = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::uint64_t bytes = staged[i].row.payload.size() + kRowOverheadBytes;
    if (bytes <= kLargestInPage)
      small_bytes += bytes;
    else
      large_pages += bytes / kLargestInPage + 2;
  }
  const std::int64_t needed = pages_for(small_bytes, large_pages);
  for (int step = 0; step < kMostStepsInACommit; ++step) {
    Result<std::int64_t> free = free_pages();
    if (!free) return free.error();
    tell_of_room(*free);
    if (*free >= needed) return ok();
    tell_of_eviction();
    const std::uint64_t bytes = static_cast<std::uint64_t>((needed - *free) * kPageBytes) + kSlackBytes;
    Result<bool> evicted = evict_oldest(bytes, may_grow ? "buffer_full" : "disk_full");
    if (!evicted) return evicted.error();
    if (!*evicted) return ok();  // if it does not fit, the write will say so
  }
  return ok();
}

/// Once for each time that room runs out: afterwards the counters tell how it goes on.
void Outbox::State::tell_of_eviction() {
  had_room_since.reset();
  if (is_making_room) return;
  is_making_room = true;
  const std::string goes =
      "from now on its oldest telemetry makes room for new rows, and is reported as lost; ";
  if (!options.in_memory_because.empty())
    log_warning("store.full", "the memory that stands in for the buffer is full: " + goes +
                                  "mend the disk, or raise buffer.max_staged_bytes");
  else if (may_grow)
    log_warning("store.full",
                "the buffer is full: " + goes + "raise buffer.max_bytes, or see why the broker is away");
  else
    log_warning("store.full", "the disk has no room, and the buffer is full: " + goes + "free some space");
}

/// A buffer at its limit has a little room after each eviction, and none a moment later.
void Outbox::State::tell_of_room(std::int64_t free) {
  if (!is_making_room) return;
  if (free < page_limit / 10) return had_room_since.reset();
  if (!had_room_since) had_room_since = last_asked;
  if (!is_long_since(*had_room_since)) return;
  is_making_room = false;
  had_room_since.reset();
  log_info("store.full", "the buffer has room again: nothing has had to go for a minute");
}

/// Pages that new rows can take, now and in this transaction.
Result<std::int64_t> Outbox::State::free_pages() {
  Result<std::int64_t> pages = database->integer("PRAGMA page_count");
  if (!pages) return pages;
  Result<std::int64_t> unused = database->integer("PRAGMA freelist_count");
  if (!unused) return unused;
  health.used_bytes = static_cast<std::uint64_t>((*pages - *unused) * kPageBytes);
  return page_limit - *pages + *unused;
}

/// Without room on the disk the file stays as long as it is, and its pages are used again.
Status Outbox::State::hold_page_limit() {
  std::int64_t limit = limits.database_pages;
  if (!may_grow) {
    Result<std::int64_t> pages = database->integer("PRAGMA page_count");
    if (!pages) return pages.error();
    limit = std::min(limit, std::max(*pages, kMinDatabasePages));
  }
  health.limit_bytes = static_cast<std::uint64_t>(limit * kPageBytes);
  if (limit == page_limit) return ok();
  page_limit = limit;
  return set_page_limit(*database, limit);
}

void Outbox::State::look_at_disk() {
  if (options.path.empty()) return;
  std::error_code error;
  if (is_in_use && !std::filesystem::exists(options.path, error) && !error) health.is_damaged = true;
  const std::filesystem::path file(options.path);
  const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
  const std::filesystem::space_info space = std::filesystem::space(directory, error);
  may_grow = true;
  if (error) return;
  const std::uint64_t reserved = options.min_free_disk.value_or(
      std::min<std::uint64_t>(space.capacity / kReservedShare, kMostReservedDisk));
  health.free_disk_bytes = space.available;
  const bool was_short = health.is_disk_short;
  health.is_disk_short = space.available < reserved;
  may_grow = !health.is_disk_short;
  if (health.is_disk_short && !was_short)
    log_warning("store.disk",
                "the disk is nearly full: the buffer stays as it is, and the oldest telemetry makes "
                "room for new rows; free some space, or lower buffer.min_free_disk");
}

Result<bool> Outbox::State::evict_oldest(std::uint64_t bytes, std::string_view cause) {
  for (const Channel channel : {Channel::kTelemetry, Channel::kEvents}) {
    Result<std::optional<StreamIndex>> stream = stream_with_oldest(channel);
    if (!stream) return stream.error();
    if (*stream) return evict(**stream, bytes, cause, nullptr);
  }
  return false;
}

Result<std::optional<StreamIndex>> Outbox::State::stream_with_oldest(Channel channel) {
  std::optional<StreamIndex> found;
  auto least = std::make_tuple(std::numeric_limits<std::uint32_t>::max(), BootTime::max());
  for (StreamIndex i = 0; i < stream_count(); ++i) {
    if (names[i].channel != channel) continue;
    Result<std::optional<RowTable::Place>> place = oldest_evictable(i);
    if (!place) return place.error();
    if (!*place || std::make_tuple((*place)->boot, (*place)->time) >= least) continue;
    least = {(*place)->boot, (*place)->time};
    found = i;
  }
  return found;
}

Result<std::optional<RowTable::Place>> Outbox::State::oldest_evictable(StreamIndex index) {
  const Stream& stream = seen(index);
  const Sequence from = std::max(stream.acked, stream.sent) + 1;
  if (from > stream.newest) return std::optional<RowTable::Place>();
  oldest.resize(streams.size());
  std::optional<RowTable::Place>& known = oldest[index];
  if (known && known->seq >= from) return known;
  Result<std::optional<RowTable::Place>> place = row_table.first_with_samples(stream.id, from);
  if (place) known = *place;
  return place;
}

/// Rows from the first that was never sent on, until they come to `bytes`; `only`, if given, must agree to each.
Result<Outbox::State::Victims> Outbox::State::choose(const Stream& stream, std::uint64_t bytes,
                                                     std::string_view cause, const TooOld* only) {
  Victims victims;
  const std::uint64_t enough = std::min(bytes, kMostVictimBytes);
  Status scanned = row_table.scan(
      stream.id, std::max(stream.acked, stream.sent) + 1, [&](const Row& row, std::uint64_t payload_bytes) {
        const bool is_gap = row.format == RowFormat::kGap;
        if (!is_gap && only != nullptr && !(*only)(row.boot, row.time)) return false;
        if (victims.gone.rows == 0)
          victims.gap_row = {.seq = row.seq, .format = RowFormat::kGap, .boot = row.boot, .time = row.time};
        victims.gap_row.through = row.through;
        ++victims.gone.rows;
        victims.gone.bytes += payload_bytes;
        if (is_gap) {
          const Gap merged = parse_gap(row.payload);
          for (const Gap::Part& part : merged.parts) victims.gap.add(part.cause, part.rows, part.samples);
          victims.gap.until_boot = merged.until_boot;
          victims.gap.until = merged.until;
          return true;
        }
        victims.gone.samples += row.samples;
        victims.gap.add_row(cause, row);
        victims.gap.until_boot = row.boot;
        victims.gap.until = row.time;
        victims.samples += row.samples;
        ++victims.rows;
        return victims.gone.bytes < enough && victims.gone.rows < kMostVictims;
      });
  if (!scanned) return scanned.error();
  return victims;
}

/// True when rows went.
Result<bool> Outbox::State::evict(StreamIndex index, std::uint64_t bytes, std::string_view cause,
                                  const TooOld* only) {
  Result<Victims> victims = choose(seen(index), bytes, cause, only);
  if (!victims) return victims.error();
  if (victims->rows == 0) return false;
  victims->gap_row.payload = gap_payload(victims->gap);
  if (Status replaced = replace_by_gap(index, victims->gap_row, victims->gone); !replaced)
    return replaced.error();
  draft(index).lose(cause, victims->samples);
  return true;
}

/// The gap record stands where the rows it covers were.
Status Outbox::State::replace_by_gap(StreamIndex index, const Row& gap, const RowSum& gone) {
  Stream& stream = draft(index);
  if (!stream.waiting.covers(gone))
    if (Status counted = recount(stream); !counted) return counted;
  if (Status removed = row_table.remove(stream.id, gap.seq, gap.through); !removed) return removed;
  if (Status inserted = row_table.insert(stream.id, gap); !inserted) return inserted;
  stream.waiting -= gone;
  stream.waiting.add(gap);
  stream.is_changed = true;
  if (index < oldest.size()) oldest[index].reset();
  return ok();
}

Status Outbox::expire(const std::function<bool(std::uint32_t boot, BootTime time)>& is_too_old) {
  State& state = *state_;
  state.drafts.assign(state.streams.size(), std::nullopt);
  std::vector<StreamIndex> affected;
  for (StreamIndex i = 0; i < state.stream_count(); ++i) {
    Result<std::optional<RowTable::Place>> place = state.oldest_evictable(i);
    if (!place) return place.error();
    if (*place && is_too_old((*place)->boot, (*place)->time)) affected.push_back(i);
  }
  if (affected.empty()) return ok();
  Status done = state.transact([&]() -> Status {
    for (const StreamIndex i : affected)
      if (Result<bool> evicted = state.evict(i, kMostVictimBytes, "max_age", &is_too_old); !evicted)
        return evicted.error();
    return ok();
  });
  state.note_side_outcome(done);
  return done;
}

}  // namespace outrider
