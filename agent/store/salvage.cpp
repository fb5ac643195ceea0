// SPDX-License-Identifier: Apache-2.0
#include "agent/store/salvage.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/store/boot_records.h"
#include "agent/store/statement.h"

namespace outrider {
namespace {

// Of one transaction, when there is no room for more.
constexpr std::uint64_t kLeastStepBytes = 32U << 10U;
// Kept free while rows are copied, for gap records and counters.
constexpr std::int64_t kReservedPages = 16;
// Left behind at a time when there is no room.
constexpr std::uint64_t kBytesLeftBehind = 64U << 10U;
constexpr std::uint32_t kPagesBetweenLines = (64U << 20U) / kPageSize;

std::unique_ptr<Database> open_or_null(const std::string& path) {
  Result<std::unique_ptr<Database>> database = Database::open_evidence(path);
  return database ? std::move(*database) : nullptr;
}

/// In a transaction.
Status insert(Database& database, const BootRecords& records) {
  Statement insert_boot(database, kInsertBoot);
  std::uint32_t before = 0;
  for (const BootRecord& boot : records.boots) {
    if (boot.id <= before) continue;  // a damaged tree
    before = boot.id;
    const std::string_view name = boot.boot_id;
    Status done = Query(insert_boot, boot.id, boot.series, name, boot_checksum(boot)).run();
    if (!done) return done;
  }
  Statement insert_offset(database, kInsertOffset);
  for (const OffsetEntry& entry : records.offsets) {
    Status done = Query(insert_offset, entry.boot, entry.from.time_since_epoch().count(),
                        entry.offset.count(), entry.is_synced, offset_checksum(entry))
                      .run();
    if (!done) return done;
  }
  return ok();
}

}  // namespace

/// Numbers that did not come along, and when their neighbours were.
struct Salvage::Hole {
  Sequence first = 0;
  Sequence last = 0;
  RowTable::Place before;
  RowTable::Place after;

  std::uint64_t rows() const { return static_cast<std::uint64_t>(last - first + 1); }
};

Salvage::Salvage(const std::string& damaged, std::uint64_t max_record_bytes, const Target& target)
    : target_(target),
      sql_(open_or_null(damaged)),
      pages_(damaged, max_record_bytes),
      evidence_(read_evidence(sql_.get(), pages_)) {}

Salvage::~Salvage() = default;

Status Salvage::run(bool is_new_epoch, SalvageReport& report) {
  if (Status copied = copy_boots(); !copied) return copied;
  if (Status copied = copy_rows(); !copied) return copied;
  if (Status copied = copy_letters(report); !copied) return copied;
  for (const auto& entry : evidence_.streams) {
    Status settled = target_.database.transact([&] { return settle(entry.first, is_new_epoch, report); });
    if (!settled) return settled;
  }
  return ok();
}

/// Boots that cannot be read leave rows without a wall time; a later boot must not get their key.
Status Salvage::copy_boots() {
  BootRecords records;
  Status failure = ok();  // which is no news of a damaged file
  if (sql_) records = read_boot_records(*sql_, failure);
  const auto last = static_cast<std::uint32_t>(evidence_.last_boot);
  if (last > 0 && (records.boots.empty() || records.boots.back().id < last))
    records.boots.push_back({.id = last,
                             .series = records.boots.empty() ? 1 : records.boots.back().series,
                             .boot_id = "unknown"});
  newest_boot_ = records.boots.empty() ? 0 : records.boots.back().id;
  if (!records.damaged.empty())
    log_warning("store.salvage",
                "some of what the damaged buffer says about how clocks went is not what was "
                "written, and left out");

  return target_.database.transact([&] { return insert(target_.database, records); });
}

/// As far as the table can be read; letters that follow a damaged page stay behind.
Status Salvage::copy_letters(SalvageReport& report) {
  if (!sql_) return ok();
  DeadLetterTable damaged(*sql_, std::numeric_limits<std::uint64_t>::max());
  std::int64_t next = 0;
  while (true) {
    Result<std::vector<DeadLetter>> some = damaged.read(next, 16);
    if (!some) log_warning("store.salvage", "some dead letters of the damaged buffer cannot be read");
    if (!some || some->empty()) return ok();
    Status copied = target_.database.transact([&] { return insert_letters(*some); });
    if (!copied) target_.letters.rolled_back();
    if (!copied && target_.database.was_full()) return ok();  // rows are worth more
    if (!copied) return copied;
    target_.letters.committed();
    report.dead_letters += some->size();
    if (some->back().id < next) return ok();  // a damaged tree may lead in circles
    next = some->back().id + 1;
  }
}

Status Salvage::insert_letters(const std::vector<DeadLetter>& letters) {
  for (const DeadLetter& letter : letters) {
    if (evidence_.streams.count(letter.stream) == 0) continue;
    if (Status kept = target_.letters.insert(letter); !kept) return kept;
  }
  return ok();
}

Status Salvage::copy_rows() {
  const std::int64_t most = target_.limits.database_pages;
  if (Status limited = set_page_limit(target_.database, most - kReservedPages); !limited) return limited;
  bool was_full = false;
  for (std::uint32_t page = 1; page <= pages_.pages();) {
    const std::uint32_t begun = page;
    Status copied = target_.database.transact([&] { return copy_some_rows(page); });
    if (!copied && !target_.database.was_full()) return copied;
    if (copied) {
      was_full = false;
      if (begun / kPagesBetweenLines != page / kPagesBetweenLines)
        log_info("store.salvage", size_text(std::uint64_t{page} * kPageSize) + " of " +
                                      size_text(std::uint64_t{pages_.pages()} * kPageSize) + " read");
      continue;
    }
    page = begun;
    const Result<bool> made = make_room(std::exchange(was_full, true));
    if (!made) return made.error();
    if (!*made) ++page;  // what is on it is larger than all the room there is
  }
  return set_page_limit(target_.database, most);
}

/// False when there is nothing left that could be done.
Result<bool> Salvage::make_room(bool again) {
  if (!again) target_.make_room();
  (void)target_.database.checkpoint();  // its log may be all that was too long
  if (!again) return true;
  if (step_bytes_ > kLeastStepBytes) {
    step_bytes_ /= 2;
    return true;
  }
  return leave_oldest_behind();
}

/// Copies page by page until it is enough for one transaction.
Status Salvage::copy_some_rows(std::uint32_t& page) {
  std::uint64_t bytes = 0;
  for (; page <= pages_.pages() && bytes < step_bytes_; ++page)
    if (Status copied = copy_page(page, bytes); !copied) return copied;
  return ok();
}

Status Salvage::copy_page(std::uint32_t page, std::uint64_t& bytes) {
  if (pages_.is_free(page)) return ok();
  bytes += kPageSize / 8;  // reading costs as well
  Status copied = ok();
  pages_.visit_records(page, [&](std::int64_t id, const PageFile::Record& record) {
    if (!copied) return;
    const auto found = row_from(id, record);
    if (!found || !is_wanted(found->first, found->second)) return;
    copied = target_.rows.insert_if_absent(found->first, found->second);
    bytes += found->second.payload.size();
  });
  return copied;
}

bool Salvage::is_wanted(StreamIndex stream, const Row& row) const {
  const auto known = evidence_.streams.find(stream);
  if (known == evidence_.streams.end()) return false;
  if (known->second.counters && row.through <= known->second.counters->acked) return false;
  const auto behind = left_behind_.find(stream);
  return behind == left_behind_.end() || row.seq > behind->second;
}

/// Makes room by what was copied already: rows come in no order, and the newest are to stay.
Result<bool> Salvage::leave_oldest_behind() {
  const Result<std::optional<StreamIndex>> oldest = stream_with_oldest();
  if (!oldest) return oldest.error();
  if (!*oldest) return false;
  const StreamIndex id = **oldest;
  std::uint64_t bytes = 0;
  Sequence last = 0;
  Status scanned = target_.rows.scan(id, 0, [&](const Row& row, std::uint64_t payload_bytes) {
    last = row.through;
    bytes += payload_bytes;
    return bytes < kBytesLeftBehind;
  });
  if (!scanned) return scanned.error();
  Status removed = target_.database.transact([&] { return target_.rows.remove(id, 0, last); });
  if (!removed) return removed.error();
  left_behind_[id] = std::max(left_behind_[id], last);
  return true;
}

Result<std::optional<StreamIndex>> Salvage::stream_with_oldest() {
  std::optional<StreamIndex> found;
  for (const Channel channel : {Channel::kTelemetry, Channel::kEvents}) {
    auto least = std::make_tuple(std::numeric_limits<std::uint32_t>::max(), BootTime::max());
    for (const auto& [id, stream] : evidence_.streams) {
      if (stream.channel != channel) continue;
      Result<std::optional<RowTable::Place>> place = target_.rows.first(id, 0);
      if (!place) return place.error();
      if (!*place || std::make_tuple((*place)->boot, (*place)->time) >= least) continue;
      least = {(*place)->boot, (*place)->time};
      found = id;
    }
    if (found) break;
  }
  return found;
}

/// Gap records for what is missing, and counters that fit.
Status Salvage::settle(StreamIndex id, bool is_new_epoch, SalvageReport& report) {
  const Evidence::KnownStream& known = evidence_.streams.at(id);
  Stream stream = known.counters.value_or(Stream());
  stream.id = id;
  stream.is_in_file = false;
  if (!known.counters) stream.acked = std::max<Sequence>(known.first_seen - 1, 0);
  stream.newest = std::max({stream.newest, stream.acked, known.last_seen});
  Result<std::vector<Hole>> holes = find_holes(id, stream.acked + 1, stream);
  if (!holes) return holes.error();

  Result<RowSum> saved = target_.rows.sum(id, stream.acked + 1, stream.newest);
  if (!saved) return saved.error();
  const std::uint64_t waited = known.counters ? stream.waiting.samples : saved->samples;
  const std::uint64_t missing = waited > saved->samples && !holes->empty() ? waited - saved->samples : 0;
  if (is_new_epoch) {
    stream.delivered = stream.lost = 0;
    stream.losses.clear();
    stream.sent = stream.acked;
  }
  report.rows += saved->rows;
  report.samples += saved->samples;
  report.lost_samples += missing;
  for (const Hole& hole : *holes) report.lost_rows += hole.rows();
  if (Status filled = fill(id, *holes, stream, missing); !filled) return filled;
  if (is_new_epoch)
    if (Status begun = begin_numbers(target_.rows, stream); !begun) return begun;

  Result<RowSum> waiting = target_.rows.sum(id, stream.acked + 1, stream.newest);
  if (!waiting) return waiting.error();
  stream.waiting = *waiting;
  stream.sampled = stream.delivered + stream.waiting.samples + stream.lost;
  stream.sent = std::clamp(stream.sent, stream.acked, stream.newest);
  stream.losses_in_file.clear();
  return target_.streams.save(known.vehicle_id, known.channel, stream);
}

/// Also removes rows that a gap record before them stands for: their page had not heard of it.
Result<std::vector<Salvage::Hole>> Salvage::find_holes(StreamIndex id, Sequence first, Stream& stream) {
  std::vector<Hole> holes;  // at most one per damaged page or so
  std::vector<Sequence> covered;
  Sequence next = first;
  RowTable::Place before{.boot = 0};
  Status scanned = target_.rows.scan(id, first, [&](const Row& row, std::uint64_t /*payload_bytes*/) {
    const RowTable::Place place{.seq = row.seq, .boot = row.boot, .time = row.time};
    if (row.seq < next) {
      covered.push_back(row.seq);
      return true;
    }
    if (row.seq > next) holes.push_back({next, row.seq - 1, before.boot == 0 ? place : before, place});
    next = row.through + 1;
    before = place;
    return true;
  });
  if (!scanned) return scanned.error();
  stream.newest = std::max(stream.newest, next - 1);
  if (before.boot == 0) before.boot = newest_boot_;
  if (next <= stream.newest) holes.push_back({next, stream.newest, before, before});
  for (const Sequence seq : covered)
    if (Status removed = target_.rows.remove(id, seq, seq); !removed) return removed.error();
  return holes;
}

/// Nobody knows which hole had how many samples: each gets its share by its length, and the sum is right.
Status Salvage::fill(StreamIndex id, std::vector<Hole>& holes, Stream& stream,
                     std::uint64_t missing_samples) {
  std::uint64_t numbers_left = 0;
  for (const Hole& hole : holes) numbers_left += hole.rows();
  for (const Hole& hole : holes) {
    const auto share =
        static_cast<std::uint64_t>(static_cast<double>(missing_samples) * static_cast<double>(hole.rows()) /
                                   static_cast<double>(numbers_left));
    const std::uint64_t samples =
        numbers_left == hole.rows() ? missing_samples : std::min(share, missing_samples);
    numbers_left -= hole.rows();
    missing_samples -= samples;
    const auto behind = left_behind_.find(id);
    const bool had_no_room = behind != left_behind_.end() && hole.last <= behind->second;
    const std::string_view cause = had_no_room ? "disk_full" : "damaged";
    Gap gap{.until_boot = hole.after.boot, .until = hole.after.time};
    gap.add(cause, hole.rows(), samples);
    const Row row{.seq = hole.first,
                  .through = hole.last,
                  .format = RowFormat::kGap,
                  .boot = hole.before.boot,
                  .time = hole.before.time,
                  .payload = gap_payload(gap)};
    if (Status inserted = target_.rows.insert(id, row); !inserted) return inserted;
    stream.lose(cause, samples);
  }
  return ok();
}

}  // namespace outrider
