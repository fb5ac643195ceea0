// SPDX-License-Identifier: Apache-2.0
// From damaged files to a new one with what can be read of them; cut off at any moment, the next start begins again.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/base/log.h"
#include "agent/store/outbox_state.h"
#include "agent/store/salvage.h"

namespace outrider {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostSetsAside = 3;
// A row that was staged under a larger limit than today's.
constexpr std::uint64_t kLeastRecordBytes = 16ULL << 20U;

}  // namespace

/// What lies where the buffer belongs, while damaged files wait to be salvaged.
enum class Outbox::State::Salvaged {
  kPartly,   ///< A salvage that was cut off. Nobody has seen anything of it.
  kDone,     ///< All that could be read; the damaged files only lack their name.
  kDamaged,  ///< One of these, or what was to be moved.
  kStrange,  ///< A sound file from elsewhere.
};

/// What an earlier start left undone is brought to an end. True when damaged files wait to be salvaged.
Result<bool> Outbox::State::clear_the_way(const OutboxOptions& options, SetAside& aside) {
  std::error_code error;
  const fs::file_status status = fs::status(options.path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    const Result<std::string> moved = aside.move_away();
    if (!moved) return moved.error();
    log_error("store", options.path + " was not a file; it is " + *moved + " now");
  }
  if (!aside.is_pending()) return false;
  if (has_content(options.path)) return end_salvage(options.path, aside);
  remove_database(options.path);
  return true;
}

/// There is a file beside the damaged ones that wait. True when these are to be salvaged, again or for the first time.
Result<bool> Outbox::State::end_salvage(const std::string& path, SetAside& aside) {
  const Result<Salvaged> salvaged = look_at_salvaged(path);
  if (!salvaged) return salvaged.error();
  const bool is_ours = *salvaged == Salvaged::kPartly || *salvaged == Salvaged::kDone;
  std::error_code error;
  if (!is_ours && !fs::exists(aside.pending(), error)) {  // the move was cut off
    if (Status moved = aside.begin(); !moved) return moved.error();
    return true;
  }
  if (*salvaged == Salvaged::kDone || *salvaged == Salvaged::kStrange) {
    const Result<std::string> kept = aside.finish();
    if (!kept) return kept.error();
    return false;
  }
  remove_database(path);
  return true;
}

/// Whether a file is what a salvage made. Nobody has seen anything of a part of one.
Result<Outbox::State::Salvaged> Outbox::State::look_at_salvaged(const std::string& path) {
  Result<std::unique_ptr<Database>> opened = Database::open(path);
  if (!opened) return opened.error();
  Database& database = **opened;
  database.keep_log(true);
  const Result<FileOwner> owner = owner_of(database);
  if (!owner && !database.was_damaged()) return owner.error();
  if (owner && *owner == FileOwner::kNobody) return Salvaged::kPartly;
  const Result<std::string> state = read_meta(database, kSalvageKey);
  if (state && *state == "running") return Salvaged::kPartly;
  if (state && *state == "done") return Salvaged::kDone;
  if (database.was_damaged()) return Salvaged::kDamaged;
  database.note_damage();  // whatever it is, it stays as it is
  return Salvaged::kStrange;
}

/// A new file with what can be read of the one that was set aside.
Result<std::unique_ptr<Outbox::State>> Outbox::State::open_salvaged(const OutboxOptions& options,
                                                                    SmallFile& epoch_file, SetAside& aside,
                                                                    std::string reason) {
  aside.limit(kMostSetsAside, options.max_bytes);
  Result<std::unique_ptr<State>> made = make(options);
  if (!made) return made;
  State& state = **made;
  Result<FileOwner> owner = owner_of(*state.database);
  if (!owner) return owner.error();
  SalvageReport report{.reason = std::move(reason)};
  if (Status salvaged = state.salvage(epoch_file, aside, report); !salvaged) return salvaged.error();
  const Result<std::string> kept = aside.finish();
  report.set_aside = kept ? *kept : aside.pending();
  state.salvage_report = std::move(report);
  if (kept)
    if (Status forgotten = state.forget_salvage(); !forgotten) log_warning("store", forgotten.error().text);
  state.log_salvage();
  return made;
}

Status Outbox::State::salvage(SmallFile& epoch_file, SetAside& aside, SalvageReport& report) {
  if (Status ready = prepare_schema(*database, FileOwner::kNobody, limits); !ready) return ready;
  Status begun = database->transact([&] { return write_meta(*database, kSalvageKey, "running"); });
  if (!begun) return begun;
  Salvage salvage(
      aside.pending(), std::max<std::uint64_t>(options.max_staged_bytes, kLeastRecordBytes),
      {*database, row_table, stream_table, letter_table, limits, [&aside] { aside.limit(1, 0); }});
  Status noted = database->transact([&] { return write_meta(*database, kEpochKey, salvage.epoch()); });
  if (!noted) return noted;
  may_repeat = !salvage.can_go_on();
  was_unclean = true;
  if (Status alive = begin_life(epoch_file); !alive) return alive;
  report.is_new_epoch = epoch != salvage.epoch();
  if (Status run = salvage.run(report.is_new_epoch, report); !run) return run;
  Status done = database->transact([&] { return write_meta(*database, kSalvageKey, "done"); });
  if (!done) return done;
  // It must be in the file, not only in its log: a log that is lost must not bring back the beginning.
  if (Status moved = database->checkpoint(); !moved) return moved;
  return load();
}

/// Or it would be taken for the salvage of a later damage.
Status Outbox::State::forget_salvage() {
  return database->execute(std::string("DELETE FROM meta WHERE key = '") + kSalvageKey + "'");
}

void Outbox::State::log_salvage() const {
  const SalvageReport& report = *salvage_report;
  log_warning("store.salvage", "the damaged buffer is " + report.set_aside + " now; " +
                                   std::to_string(report.rows) + " rows with " +
                                   std::to_string(report.samples) + " samples were saved, " +
                                   std::to_string(report.lost_rows) + " rows are reported as lost; epoch " +
                                   epoch + (report.is_new_epoch ? " begins" : " goes on"));
}

}  // namespace outrider
