// SPDX-License-Identifier: Apache-2.0
// Rows that cannot be delivered as they are: out of the stream, into the table of dead letters, and back.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "agent/store/gap.h"
#include "agent/store/outbox_state.h"

namespace outrider {
Status Outbox::bury(StreamIndex stream, Sequence seq, std::string_view reason) {
  ENSURE(stream < state_->streams.size());
  return state_->bury(stream, seq, reason);
}

Status Outbox::State::bury(StreamIndex index, Sequence seq, std::string_view reason) {
  // A row that was sent from memory is written first.
  if (seq > streams[index].newest && reads_memory())
    if (Status written = commit(); !written) return written;
  const Stream& stream = streams[index];
  const Error absent = reject("there is no row " + std::to_string(seq) + " waiting to be buried");
  if (seq <= stream.wanted || seq > stream.newest) return absent;
  Result<std::optional<Row>> found = row_table.at(stream.id, seq);
  if (!found) return found.error();
  if (!*found || (*found)->format == RowFormat::kGap) return absent;
  const Row& row = **found;
  Gap gap{.until_boot = row.boot, .until = row.time};
  gap.add_row("refused", row);
  const RowSum gone{.rows = 1, .samples = row.samples, .bytes = row.payload.size()};
  Status done = transact([&]() -> Status {
    if (Status kept = keep_letter(row, reason, stream.id); !kept) return kept;
    if (Status replaced = replace_by_gap(index, gap_row(row, row.through, gap), gone); !replaced)
      return replaced;
    draft(index).lose("refused", row.samples);
    return ok();
  });
  note_side_outcome(done);
  return done;
}

/// The same for a row whose checksum is wrong: nothing it says of itself is believed. It ends where the next one begins,
/// and had what the others do not have of what waits.
Status Outbox::State::bury_damaged(StreamIndex index, Sequence seq) {
  const Stream& stream = streams[index];
  Result<std::optional<Row>> found = row_table.at(stream.id, seq);
  if (!found) return found.error();
  Result<std::optional<RowTable::Place>> next = row_table.first(stream.id, seq + 1);
  if (!next) return next.error();
  const Sequence through = *next ? (*next)->seq - 1 : stream.newest;
  Result<RowSum> others = row_table.sum(stream.id, stream.acked + 1, seq - 1);
  if (!others) return others.error();
  Result<RowSum> behind = row_table.sum(stream.id, through + 1, stream.newest);
  if (!behind) return behind.error();
  *others += *behind;
  if (!*found || !stream.waiting.covers(*others)) {
    health.is_damaged = true;
    return stop("the buffer " + options.path + " is damaged: its counters contradict its rows");
  }
  RowSum gone = stream.waiting;
  gone -= *others;
  Row row = std::move(**found);
  row.boot = *next ? (*next)->boot : 0;
  row.time = *next ? (*next)->time : BootTime();
  Gap gap{.until_boot = row.boot, .until = row.time};
  gap.add("damaged", static_cast<std::uint64_t>(through - seq + 1), gone.samples);
  Status done = transact([&]() -> Status {
    if (row.format != RowFormat::kGap)
      if (Status kept = keep_letter(row, "its checksum is wrong", stream.id); !kept) return kept;
    if (Status replaced = replace_by_gap(index, gap_row(row, through, gap), gone); !replaced) return replaced;
    draft(index).lose("damaged", gone.samples);
    return ok();
  });
  note_side_outcome(done);
  return done;
}

Row Outbox::State::gap_row(const Row& first, Sequence through, const Gap& gap) {
  return {.seq = first.seq,
          .through = through,
          .format = RowFormat::kGap,
          .boot = first.boot,
          .time = first.time,
          .payload = gap_payload(gap)};
}

Status Outbox::State::keep_letter(const Row& row, std::string_view reason, StreamIndex id) {
  return letter_table.insert({.stream = id, .epoch = epoch, .reason = std::string(reason), .row = row});
}

Result<std::vector<DeadLetter>> Outbox::dead_letters(std::int64_t first_id, std::size_t max_rows) {
  Result<std::vector<DeadLetter>> letters = state_->letter_table.read(first_id, max_rows);
  if (!letters) return letters;
  for (DeadLetter& letter : *letters) {
    const Result<StreamIndex> index = state_->index_of(letter.stream);
    if (!index) return index.error();
    letter.stream = *index;
  }
  return letters;
}

/// Index of a stream by its id in the file; wakes a stream that sleeps.
Result<StreamIndex> Outbox::State::index_of(StreamIndex id) {
  const auto known =
      std::find_if(streams.begin(), streams.end(), [&](const Stream& stream) { return stream.id == id; });
  if (known != streams.end()) return static_cast<StreamIndex>(known - streams.begin());
  const auto asleep =
      std::find_if(dormant.begin(), dormant.end(), [&](const auto& entry) { return entry.second.id == id; });
  if (asleep == dormant.end()) return reject("a dead letter is of a stream that the buffer does not know");
  const StreamIndex index = activate({asleep->first.first, asleep->first.second, asleep->second});
  dormant.erase(asleep);
  return index;
}

Result<Sequence> Outbox::requeue(std::int64_t id, const std::function<void(Row&)>& edit) {
  State& state = *state_;
  const bool is_on_its_way = std::any_of(state.staged.begin(), state.staged.end(),
                                         [&](const auto& entry) { return entry.dead_letter == id; });
  Result<std::optional<DeadLetter>> letter = state.letter_table.at(id);
  if (!letter) return letter.error();
  if (is_on_its_way || !*letter)
    return reject("there is no dead letter " + std::to_string(id) +
                  "; \"outrider buffer list --dead\" shows them");
  const Result<StreamIndex> index = state.index_of((*letter)->stream);
  if (!index) return index.error();
  if (Status kept = state.keep_boots_from((*letter)->row.boot); !kept) return kept.error();
  if (edit) edit((*letter)->row);
  return state.stage({.stream = *index, .row = std::move((*letter)->row), .losses = {}, .dead_letter = id});
}

/// Rows of a stream are of later and later boots; one that comes back breaks that, and its boot must not be forgotten.
Status Outbox::State::keep_boots_from(std::uint32_t boot) {
  Result<std::string> kept = read_meta(*database, kOldestBootKey);
  if (!kept) return kept.error();
  if (!kept->empty() && std::strtoul(kept->c_str(), nullptr, 10) <= boot) return ok();
  return database->transact([&] { return write_meta(*database, kOldestBootKey, std::to_string(boot)); });
}

}  // namespace outrider
