// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "agent/base/log.h"
#include "agent/store/outbox.h"
#include "agent/store/outbox_state.h"

namespace outrider {

Result<std::unique_ptr<Outbox>> Outbox::open(const OutboxOptions& options, SmallFile& epoch_file) {
  Result<std::unique_ptr<Database>> database = Database::open(options.path);
  if (!database) return database.error();
  auto state = std::make_unique<State>(options, std::move(*database));
  if (Status ready = prepare_schema(*state->database, state->limits); !ready) return ready.error();
  if (Status begun = state->begin_life(epoch_file); !begun) return begun.error();
  if (Status loaded = state->load(); !loaded) return loaded.error();
  return std::unique_ptr<Outbox>(new Outbox(std::move(state)));
}

Outbox::Outbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Outbox::~Outbox() { state_->close(); }

/// Settles the epoch and marks the file as in use. A full disk keeps nobody from going on with the epoch there is.
Status Outbox::State::begin_life(SmallFile& epoch_file) {
  Result<std::string> clean = read_meta(*database, kCleanKey);
  if (!clean) return clean.error();
  was_unclean = *clean == "0";

  Result<std::string> stored = read_meta(*database, kEpochKey);
  if (!stored) return stored.error();
  Result<std::optional<std::string>> file = epoch_file.read();
  if (!file) return file.error();
  Result<std::string> was_volatile = read_meta(*database, kVolatileKey);
  if (!was_volatile) return was_volatile.error();
  const EpochDecision decision =
      decide_epoch(*file, parse_epoch(*stored), options.random, was_unclean && *was_volatile == "1");
  epoch = decision.epoch.text();
  if (*file && stored->empty())
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
  if (!marked) log_warning("store", marked.error().text);
  is_marked_open = bool(marked);
  return ok();
}

Status Outbox::State::write_epoch(const EpochDecision& decision) {
  return database->transact([&]() -> Status {
    if (decision.is_new) {
      if (Status written = write_meta(*database, kEpochKey, epoch); !written) return written;
      if (Status restarted = stream_table.restart_ledgers(); !restarted) return restarted;
    }
    return mark_open();
  });
}

/// Inside a transaction.
Status Outbox::State::mark_open() {
  const bool is_volatile = options.memory_window > milliseconds(0);
  if (Status noted = write_meta(*database, kVolatileKey, is_volatile ? "1" : "0"); !noted) return noted;
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
  boot_table.forget_before(oldest_boot);
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
  if (!staged.empty()) return;  // dropped now, and the next run should say so
  Status closed = database->transact([&] { return write_meta(*database, kCleanKey, "1"); });
  if (!closed) log_warning("store", closed.error().text);
}

}  // namespace outrider
