// SPDX-License-Identifier: Apache-2.0
// How a file comes into use: looked at, checked after an unclean stop, set aside and salvaged if it is damaged.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "agent/base/log.h"
#include "agent/store/outbox.h"
#include "agent/store/outbox_state.h"
#include "agent/store/salvage_log.h"

namespace outrider {

namespace fs = std::filesystem;

/// Why a file cannot be used as it is.
struct Outbox::State::Refusal {
  enum class Kind { kWeather, kDamaged, kNotOurs };
  Kind kind = Kind::kWeather;
};

namespace {

/// SQLite would remove a log without a database.
bool is_log_alone(const std::string& path) { return !has_content(path) && !read_log(path).images.empty(); }

Error not_ours(Database& database, FileOwner owner) {
  if (owner == FileOwner::kStranger)
    return stop(database.path() + " is a database of another program, or of none that we know");
  const Result<std::int64_t> version = database.integer("PRAGMA user_version");
  return stop("the buffer " + database.path() + " was written by a newer outrider (schema " +
              (version ? std::to_string(*version) : "?") +
              "); that version takes its rows in again with \"outrider buffer salvage FILE\"");
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(const OutboxOptions& options, SmallFile& epoch_file) {
  const auto finish = [](Result<std::unique_ptr<State>> opened) -> Result<std::unique_ptr<Outbox>> {
    if (!opened) return opened.error();
    return std::unique_ptr<Outbox>(new Outbox(std::move(*opened)));
  };
  SetAside aside(options.path);
  Result<bool> is_to_be_salvaged = options.path.empty() ? false : State::clear_the_way(options, aside);
  if (!is_to_be_salvaged) return is_to_be_salvaged.error();
  std::string reason = "a salvage was cut off";
  if (!*is_to_be_salvaged) {
    State::Refusal refusal;
    auto opened = State::open_in_place(options, epoch_file, refusal);
    if (opened || refusal.kind == State::Refusal::Kind::kWeather) return finish(std::move(opened));
    reason = opened.error().text;
    if (refusal.kind == State::Refusal::Kind::kNotOurs) {
      const Result<std::string> moved = aside.move_away();
      if (!moved) return moved.error();
      log_error("store", reason + "; it is " + *moved + " now, untouched, and a new buffer begins");
      return finish(State::open_in_place(options, epoch_file, refusal));
    }
    log_error("store.damaged", reason);
    if (Status begun = aside.begin(); !begun) return begun.error();
  }
  auto salvaged = State::open_salvaged(options, epoch_file, aside, reason);
  if (salvaged || salvaged.error().fault != Fault::kStop) return finish(std::move(salvaged));
  return finish(State::open_empty(options, epoch_file, aside, salvaged.error()));
}

/// The last resort: the damaged files and what was made of them are both kept for a person to look at.
Result<std::unique_ptr<Outbox::State>> Outbox::State::open_empty(const OutboxOptions& options,
                                                                 SmallFile& epoch_file, SetAside& aside,
                                                                 const Error& why) {
  log_error("store.damaged", "what was salvaged cannot be used (" + why.text +
                                 "); it is set aside as well, and an empty buffer begins");
  if (const Result<std::string> kept = aside.finish(); !kept) return kept.error();
  if (Status begun = aside.begin(); !begun) return begun.error();
  if (const Result<std::string> kept = aside.finish(); !kept) return kept.error();
  Refusal refusal;
  return open_in_place(options, epoch_file, refusal);
}

Outbox::Outbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Outbox::~Outbox() { state_->close(); }

Result<std::unique_ptr<Outbox::State>> Outbox::State::make(const OutboxOptions& options) {
  Result<std::unique_ptr<Database>> database = Database::open(options.path);
  if (!database) return database.error();
  (*database)->keep_log(true);  // a log that is gone means damage, until `close` has said that it goes
  return std::make_unique<State>(options, std::move(*database));
}

Result<std::unique_ptr<Outbox::State>> Outbox::State::open_in_place(const OutboxOptions& options,
                                                                    SmallFile& epoch_file, Refusal& refusal) {
  if (!options.path.empty() && is_log_alone(options.path)) {
    refusal.kind = Refusal::Kind::kDamaged;
    return stop("the buffer " + options.path + " is gone though its log is there");
  }
  Result<std::unique_ptr<State>> made = make(options);
  if (!made) return made;
  State& state = **made;
  Database& database = *state.database;
  const Result<FileOwner> owner = owner_of(database);
  if (owner && (*owner == FileOwner::kStranger || *owner == FileOwner::kNewerVersion)) {
    refusal.kind = Refusal::Kind::kNotOurs;
    database.note_damage();
    return not_ours(database, *owner);
  }
  // The lock is ours by now, so nobody writes into the log. Before the first write, which may go over its beginning.
  const LogContents log = owner && !options.path.empty() ? read_log(options.path) : LogContents();
  if (!log.header.empty() && database.write_log_header(log.header)) {
    made->reset();
    return open_in_place(options, epoch_file, refusal);
  }
  Status ready = owner ? state.prepare(*owner, log) : owner.error();
  const bool is_unusable = !ready && ready.error().fault == Fault::kStop && !database.was_refused();
  if (ready) ready = state.begin_life(epoch_file);
  if (ready) ready = state.load();
  if (ready) return made;
  if (database.was_damaged() || is_unusable) {
    refusal.kind = Refusal::Kind::kDamaged;
    database.note_damage();
  }
  return ready.error();
}

/// Finds out whether the file can be used, and whether its numbers may be used already.
Status Outbox::State::prepare(FileOwner owner, const LogContents& log) {
  const std::string& path = options.path;
  if (options.is_known_damaged && owner == FileOwner::kUs)
    return stop("the buffer " + path + " was found damaged when it was in use");
  if (options.is_known_damaged)
    salvage_report =
        SalvageReport{.reason = "the buffer was removed while it was in use", .is_new_epoch = true};
  if (log.state == LogContents::State::kBroken)
    return stop("the log of the buffer " + path +
                " is damaged, and what SQLite makes of it is not the newest");
  if (Status prepared = prepare_schema(*database, owner, limits); !prepared) return prepared;
  if (Status forgotten = forget_salvage(); !forgotten) return forgotten;
  Result<std::string> clean = read_meta(*database, kCleanKey);
  if (!clean) return clean.error();
  was_unclean = *clean == "0";
  if (!was_unclean) return ok();
  const Result<std::string> was_volatile = read_meta(*database, kVolatileKey);
  if (!was_volatile) return was_volatile.error();
  may_repeat = *was_volatile == "1";
  if (Status checked = check_log(log); !checked) return checked;
  return check_structure();
}

/// While a process uses the file its log has its full length; see mark_open.
Status Outbox::State::check_log(const LogContents& log) {
  const Result<std::int64_t> noted =
      database->integer(std::string("SELECT CAST(value AS INTEGER) FROM meta WHERE key = '") + kLogKey + "'");
  if (!noted) return noted.error();
  const bool is_whole =
      log.state == LogContents::State::kSound && log.bytes >= static_cast<std::uint64_t>(*noted);
  if (*noted == 0 || is_whole) return ok();
  may_repeat = true;
  salvage_report =
      SalvageReport{.reason = "the log of the buffer is missing or was cut short", .is_new_epoch = true};
  log_error("store.damaged",
            "the log of the buffer " + options.path +
                " is missing or was cut short, and with it the newest rows: a new epoch begins");
  return ok();
}

/// Within the time that it may take; the rest is left to the checks that come with each read.
Status Outbox::State::check_structure() {
  Result<std::string> finding = database->quick_check(options.may_check_on);
  if (!finding) return finding.error();
  if (finding->empty())
    log_warning("store",
                "the check of the buffer after an unclean stop took too long and was ended; damage that it "
                "did not get to is found when it is read");
  if (finding->empty() || *finding == "ok") return ok();
  std::string text = *finding;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return stop("the buffer " + options.path + " is damaged: " + text);
}

/// Settles the epoch and marks the file as in use. A full disk keeps nobody from going on with the epoch there is.
Status Outbox::State::begin_life(SmallFile& epoch_file) {
  Result<std::string> stored = read_meta(*database, kEpochKey);
  if (!stored) return stored.error();
  Result<std::optional<std::string>> file = epoch_file.read();
  if (!file) {
    log_error("store.epoch", file.error().text + "; a new epoch begins");
    file = std::optional<std::string>("");
  }
  const std::optional<Epoch> known = parse_epoch(*stored);
  const EpochDecision decision = decide_epoch(*file, known, options.random, may_repeat, options.least_epoch);
  epoch = decision.epoch.text();
  if (*file && stored->empty() && !may_repeat)
    log_warning("store", "the buffer " + options.path + " is gone though its epoch file is there: epoch " +
                             epoch + " begins, and what waited in it is lost");

  if (decision.is_file_stale) {
    // The file goes first: if the database then is lost, the number is not used a second time.
    Status written = epoch_file.write(epoch + "\n");
    if (!written && decision.is_new) return written;
    if (!written) log_warning("store.epoch", written.error().text);
  }
  Status marked = write_epoch(decision);
  if (!marked && (decision.is_new || marked.error().fault != Fault::kRetry)) return marked;
  is_marked_open = bool(marked);
  // Into the file itself: a log that is lost must not take the mark with it.
  if (marked && !options.path.empty()) marked = database->checkpoint();
  if (!marked) log_warning("store", marked.error().text);
  return ok();
}

Status Outbox::State::write_epoch(const EpochDecision& decision) {
  return database->transact([&]() -> Status {
    if (decision.is_new) {
      if (Status written = write_meta(*database, kEpochKey, epoch); !written) return written;
      if (Status restarted = stream_table.restart_ledgers(row_table); !restarted) return restarted;
    }
    return mark_open();
  });
}

/// In a transaction. The log gets its full length at once, which takes no room: so the next start can tell a log that was
/// lost or cut short, which SQLite takes for one that holds nothing more.
Status Outbox::State::mark_open() {
  const std::int64_t bytes = limits.wal_pages * kPageBytes;
  const Status lengthened = options.path.empty() ? retry("there is no log") : database->lengthen_log(bytes);
  const std::string noted = lengthened ? std::to_string(bytes) : "0";
  if (Status written = write_meta(*database, kLogKey, noted); !written) return written;
  const bool is_volatile = options.memory_window > milliseconds(0);
  if (Status written = write_meta(*database, kVolatileKey, is_volatile ? "1" : "0"); !written) return written;
  return write_meta(*database, kCleanKey, "0");
}

Status Outbox::State::load() {
  if (Status loaded = boot_table.load(); !loaded) return loaded;
  if (Status loaded = letter_table.load(); !loaded) return loaded;
  page_limit = limits.database_pages;  // as prepare_schema set it
  health.limit_bytes = static_cast<std::uint64_t>(page_limit * kPageBytes);
  Result<std::vector<StreamTable::Entry>> entries = stream_table.load();
  if (!entries) return entries.error();
  std::uint32_t oldest_boot = 0;
  for (StreamTable::Entry& entry : *entries)
    if (Status placed = place(std::move(entry), oldest_boot); !placed) return placed;
  Result<std::uint32_t> letters_from = letter_table.oldest_boot();
  if (!letters_from) return letters_from.error();
  if (*letters_from != 0)
    oldest_boot = oldest_boot == 0 ? *letters_from : std::min(oldest_boot, *letters_from);
  Result<std::string> requeued_from = read_meta(*database, kOldestBootKey);
  if (!requeued_from) return requeued_from.error();
  const auto requeued = static_cast<std::uint32_t>(std::strtoul(requeued_from->c_str(), nullptr, 10));
  if (requeued != 0 && oldest_boot != 0) oldest_boot = std::min(oldest_boot, requeued);
  boot_table.forget_before(oldest_boot);
  if (const Result<std::int64_t> counted = free_pages(); !counted) return counted.error();
  return ok();
}

/// Registers a stream that has rows; the others stay dormant until somebody asks for them.
Status Outbox::State::place(StreamTable::Entry entry, std::uint32_t& oldest_boot) {
  Stream& stream = entry.stream;
  next_stream_id = std::size_t{stream.id} + 1;
  Result<std::optional<RowTable::Place>> first = row_table.first(stream.id, 0);
  if (!first) return first.error();
  stream.removed = *first ? std::min((*first)->seq - 1, stream.acked) : stream.acked;
  if (!*first) {
    dormant.emplace(Name(std::move(entry.vehicle_id), entry.channel), stream);
    return ok();
  }
  Result<std::optional<RowTable::Place>> waiting = row_table.first(stream.id, stream.acked + 1);
  if (!waiting) return waiting.error();
  if (*waiting) oldest_boot = oldest_boot == 0 ? (*waiting)->boot : std::min(oldest_boot, (*waiting)->boot);
  activate(std::move(entry));
  return ok();
}

StreamIndex Outbox::State::activate(StreamTable::Entry entry) {
  const auto index = static_cast<StreamIndex>(streams.size());
  streams.push_back(entry.stream);
  indexes.emplace(Name(entry.vehicle_id, entry.channel), index);
  names.push_back({std::move(entry.vehicle_id), entry.channel});
  return index;
}

void Outbox::State::close() {
  if (database->was_damaged() || health.is_damaged) return;  // the next start is to see it as it is
  // Rows that are dropped now are for the next run to say, and so is what a visitor found.
  const bool is_told = staged.empty() && !(reads_memory() && has_changes());
  const bool is_clean = is_told && !(options.is_visit && was_unclean);
  Status closed = database->transact([&]() -> Status {
    if (Status noted = write_meta(*database, kLogKey, "0"); !noted)
      return noted;  // which goes with the connection
    return write_meta(*database, kCleanKey, is_clean ? "1" : "0");
  });
  database->keep_log(!closed);
  if (!closed) log_warning("store", closed.error().text);
}

}  // namespace outrider
