// SPDX-License-Identifier: Apache-2.0
// How staged rows, acknowledgements and counters get into the file.
#include <algorithm>
#include <filesystem>
#include <string>

#include "agent/base/log.h"
#include "agent/store/outbox_state.h"

namespace outrider {
namespace {

// A full file still has to shrink: balancing the tree can take a few pages before a delete gives some back.
constexpr std::int64_t kRoomToDelete = 64;

}  // namespace

Status Outbox::State::commit() {
  last_commit = last_asked;
  health.is_failing = true;
  for (StreamIndex i = 0; i < stream_count(); ++i)
    if (Status settled = settle(i); !settled) {
      note_outcome(settled);
      return settled;
    }
  if (staged.empty() && !has_changes()) {
    health.is_failing = false;
    return ok();
  }
  look_at_disk();
  Status written = health.is_damaged ? stop("the buffer " + options.path + " was removed while it was in use")
                                     : write(staged.size());
  if (!written && database->was_full()) written = commit_when_full(written);
  note_outcome(written);
  return written;
}

void Outbox::State::note_outcome(const Status& done) {
  health.is_failing = !done || !staged.empty();  // what is left waits for room, which only time brings
  note_side_outcome(done);
  if (!gave_up_at || health.is_failing || !is_long_since(*gave_up_at)) return;
  gave_up_at.reset();
  log_info("store.full", "no row was given up for a minute: there is room for new rows again");
}

/// Of a transaction that was not to write what is staged.
void Outbox::State::note_side_outcome(const Status& done) {
  if (done) {
    ++health.commits;
  } else {
    ++health.failed_commits;
    health.last_error = done.error().text;
  }
}

/// Gets by with less room: first the log is emptied and written from its beginning; then the file stays as long as it
/// is, so that old rows make room for new ones; if that is not enough, acknowledgements and their deletes are written
/// alone, and then as many rows as there is room for.
Status Outbox::State::commit_when_full(Status failure) {
  if (Status emptied = database->checkpoint(); emptied) {
    failure = write(staged.size());
    if (failure || !database->was_full()) return failure;
  }
  may_grow = false;
  failure = write(staged.size());
  if (failure || !database->was_full()) return failure;
  if (has_changes()) {
    Status done = set_page_limit(*database, page_limit + kRoomToDelete);
    if (done) done = write(0);
    Status limited = set_page_limit(*database, page_limit);
    if (!done || !limited || staged.empty()) return done ? limited : done;
  }
  return write_what_fits(std::move(failure));
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
  Status done = transact([&]() -> Status {
    // Deletes first: rows that come take the pages of rows that go, and fewer pages are written.
    if (Status removed = remove_acknowledged(); !removed) return removed;
    if (Status made = rows > 0 ? make_room(rows) : ok(); !made) return made;
    if (Status inserted = insert_rows(rows); !inserted) return inserted;
    if (Status saved = boot_table.write(); !saved) return saved;
    return is_marked_open ? ok() : mark_open();
  });
  if (done) written(rows);
  return done;
}

/// A commit would write something beside rows.
bool Outbox::State::has_changes() const {
  if (!is_marked_open || boot_table.is_changed()) return true;
  return std::any_of(streams.begin(), streams.end(), [](const Stream& stream) {
    return stream.is_changed || stream.has_removable() || stream.wanted != stream.acked;
  });
}

Status Outbox::State::remove_acknowledged() {
  for (StreamIndex i = 0; i < stream_count(); ++i) {
    if (!streams[i].has_removable()) continue;
    Result<Sequence> removed = row_table.remove_some(streams[i].id, streams[i].removed + 1, streams[i].acked);
    if (!removed) return removed.error();
    draft(i).removed = *removed;
  }
  return ok();
}

Status Outbox::State::insert_rows(std::size_t rows) {
  std::vector<StagedSum> parts(streams.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const StagedRow& entry = staged[i];
    if (Status done = row_table.insert(streams[entry.stream].id, entry.row); !done) return done;
    if (entry.dead_letter != 0)
      if (Status gone = letter_table.remove(entry.dead_letter); !gone) return gone;
    parts[entry.stream].add(entry.row, entry.losses);
  }
  for (StreamIndex i = 0; i < stream_count(); ++i)
    if (parts[i].rows.rows > 0) draft(i).fold(parts[i]);
  return ok();
}

Stream& Outbox::State::draft(StreamIndex index) {
  if (!drafts[index]) drafts[index] = streams[index];
  return *drafts[index];
}

Status Outbox::State::save_streams() {
  for (StreamIndex i = 0; i < stream_count(); ++i) {
    const Stream& stream = seen(i);
    if (!stream.is_changed) continue;
    if (Status saved = stream_table.save(names[i].vehicle_id, names[i].channel, stream); !saved) return saved;
  }
  return ok();
}

void Outbox::State::adopt_drafts() {
  for (StreamIndex i = 0; i < stream_count(); ++i) {
    Stream& stream = streams[i];
    if (drafts[i]) stream = std::move(*drafts[i]);
    if (!stream.is_changed) continue;
    stream.is_in_file = true;
    stream.losses_in_file = stream.losses;
    stream.is_changed = false;
  }
  letter_table.committed();
}

/// The transaction is rolled back, and with it everything that was learned inside.
void Outbox::State::forget_drafts() {
  drafts.assign(streams.size(), std::nullopt);
  letter_table.rolled_back();
  oldest.clear();
}

void Outbox::State::written(std::size_t rows) {
  if (const Result<std::int64_t> counted = free_pages(); !counted) log_warning("store", counted.error().text);
  is_marked_open = is_in_use = true;
  boot_table.written();
  const auto end = staged.begin() + static_cast<std::ptrdiff_t>(rows);
  for (auto entry = staged.begin(); entry != end; ++entry) staged_bytes -= cost_of(entry->row);
  staged.erase(staged.begin(), end);
  recount_staged();
}

void Outbox::State::recount_staged() {
  for (Stream& stream : streams) stream.staged = {};
  for (const StagedRow& entry : staged) streams[entry.stream].staged.add(entry.row, entry.losses);
}

}  // namespace outrider
