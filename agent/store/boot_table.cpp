// SPDX-License-Identifier: Apache-2.0
#include "agent/store/boot_table.h"

#include <algorithm>
#include <chrono>

#include "agent/base/log.h"

namespace outrider {
namespace {

// Rows carry milliseconds: a smaller step of the offset would change no time that anybody sees.
constexpr nanoseconds kSmallestStep = milliseconds(1);
constexpr std::ptrdiff_t kMaxOffsetsPerBoot = 256;

bool is_before(const OffsetEntry& a, const OffsetEntry& b) {
  return a.boot != b.boot ? a.boot < b.boot : a.from < b.from;
}

/// `entry` says nothing that `earlier` did not say.
bool is_repeat(const OffsetEntry& earlier, const OffsetEntry& entry) {
  return earlier.boot == entry.boot && earlier.is_synced == entry.is_synced &&
         std::chrono::abs(entry.offset - earlier.offset) < kSmallestStep;
}

}  // namespace

BootTable::BootTable(Database& database)
    : database_(database),
      insert_boot_(database, kInsertBoot),
      insert_offset_(database, kInsertOffset),
      remove_boot_(database, "DELETE FROM boot WHERE id = ?"),
      remove_offsets_(database, "DELETE FROM clock_offset WHERE boot = ?"),
      forget_boots_(database, "DELETE FROM boot WHERE id < ?"),
      forget_offsets_(database, "DELETE FROM clock_offset WHERE boot < ?") {}

Status BootTable::load() {
  Status failure = ok();
  BootRecords records = read_boot_records(database_, failure);
  if (!failure) return failure;
  boots_ = std::move(records.boots);
  offsets_ = std::move(records.offsets);
  changed_.insert(records.damaged.begin(), records.damaged.end());  // written again as they are now
  if (!records.damaged.empty())
    log_error("store.damaged",
              std::to_string(records.damaged.size()) +
                  " rows of the buffer about how clocks went are not what was written; rows that "
                  "they dated are published with an estimated time");
  return ok();
}

std::uint32_t BootTable::key_of(std::string_view boot_id) {
  const std::uint32_t newest_series = boots_.empty() ? 0 : boots_.back().series;
  const std::uint32_t series = run_series_ != 0 ? run_series_ : newest_series;
  for (auto boot = boots_.rbegin(); boot != boots_.rend() && boot->series == series; ++boot) {
    if (boot->boot_id != boot_id) continue;
    run_series_ = series;
    return boot->id;
  }
  if (run_series_ == 0) run_series_ = newest_series + 1;
  const std::uint32_t id = boots_.empty() ? 1 : boots_.back().id + 1;
  boots_.push_back({id, run_series_, std::string(boot_id)});
  ++unsaved_boots_;
  return id;
}

std::string BootTable::id_of(std::uint32_t key) const {
  const auto known =
      std::find_if(boots_.begin(), boots_.end(), [key](const Boot& boot) { return boot.id == key; });
  return known == boots_.end() ? std::string() : known->boot_id;
}

void BootTable::note(const OffsetEntry& entry) {
  auto place = std::lower_bound(offsets_.begin(), offsets_.end(), entry, is_before);
  const bool replaces = place != offsets_.end() && !is_before(entry, *place);
  if (replaces ? is_repeat(*place, entry) : place != offsets_.begin() && is_repeat(*(place - 1), entry))
    return;
  if (replaces)
    *place = entry;
  else
    offsets_.insert(place, entry);
  changed_.insert(entry.boot);
  thin_out(entry.boot);
}

/// A clock that keeps being corrected costs precision of old rows' times, never memory without bound.
void BootTable::thin_out(std::uint32_t boot) {
  const auto first = std::lower_bound(offsets_.begin(), offsets_.end(),
                                      OffsetEntry{.boot = boot, .from = BootTime::min()}, is_before);
  const auto last =
      std::find_if(first, offsets_.end(), [boot](const OffsetEntry& entry) { return entry.boot != boot; });
  if (last - first <= kMaxOffsetsPerBoot) return;
  // Every second one goes, but not the newest, and not where the clock became right or ceased to be.
  auto kept = first + 1;
  for (auto entry = first + 1; entry != last; ++entry) {
    const bool is_odd = (entry - first) % 2 != 0;
    const bool is_turn = (entry - 1)->is_synced != entry->is_synced;
    if (is_odd && !is_turn && entry + 1 != last) continue;
    *kept++ = *entry;
  }
  offsets_.erase(kept, last);
}

void BootTable::forget_before(std::uint32_t oldest_used) {
  if (boots_.empty()) return;
  // A boot that is not known (a salvaged buffer) counts as the one before it.
  std::uint32_t series = oldest_used == 0 ? boots_.back().series : boots_.front().series;
  for (const Boot& boot : boots_)
    if (boot.id <= oldest_used) series = boot.series;
  const auto first_kept = std::find_if(boots_.begin(), boots_.end(),
                                       [series](const Boot& boot) { return boot.series >= series; });
  if (first_kept == boots_.begin()) return;
  forget_below_ = first_kept->id;
  boots_.erase(boots_.begin(), first_kept);
  std::erase_if(offsets_, [this](const OffsetEntry& entry) { return entry.boot < forget_below_; });
}

Status BootTable::write() {
  if (forget_below_ > 0) {
    if (Status forgotten = Query(forget_boots_, forget_below_).run(); !forgotten) return forgotten;
    if (Status forgotten = Query(forget_offsets_, forget_below_).run(); !forgotten) return forgotten;
  }
  for (std::size_t i = boots_.size() - unsaved_boots_; i < boots_.size(); ++i) {
    if (changed_.contains(boots_[i].id)) continue;
    if (Status written = write_boot(boots_[i]); !written) return written;
  }
  for (const std::uint32_t boot : changed_)
    if (Status written = write_offsets(boot); !written) return written;
  return ok();
}

Status BootTable::write_boot(const Boot& boot) {
  return Query(insert_boot_, boot.id, boot.series, std::string_view(boot.boot_id), boot_checksum(boot)).run();
}

/// Few and rarely changed: a boot and all of its entries are written again.
Status BootTable::write_offsets(std::uint32_t boot) {
  if (Status removed = Query(remove_boot_, boot).run(); !removed) return removed;
  const auto known =
      std::find_if(boots_.begin(), boots_.end(), [&](const Boot& each) { return each.id == boot; });
  if (known != boots_.end())
    if (Status written = write_boot(*known); !written) return written;
  if (Status removed = Query(remove_offsets_, boot).run(); !removed) return removed;
  for (const OffsetEntry& entry : offsets_) {
    if (entry.boot != boot) continue;
    Status inserted = Query(insert_offset_, boot, entry.from.time_since_epoch().count(), entry.offset.count(),
                            entry.is_synced, offset_checksum(entry))
                          .run();
    if (!inserted) return inserted;
  }
  return ok();
}

void BootTable::written() {
  unsaved_boots_ = 0;
  forget_below_ = 0;
  changed_.clear();
}

}  // namespace outrider
