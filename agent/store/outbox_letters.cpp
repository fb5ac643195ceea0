// SPDX-License-Identifier: Apache-2.0
// Rows that cannot be delivered as they are: out of the stream, into the table of dead letters, and back.
#include <algorithm>
#include <string>
#include <utility>

#include "agent/store/gap.h"
#include "agent/store/outbox_state.h"

namespace outrider {
namespace {

constexpr std::string_view kDamaged = "damaged";

}  // namespace

Status Outbox::bury(StreamIndex stream, Sequence seq, std::string_view reason) {
  ENSURE(stream < state_->streams.size());
  return state_->bury(stream, seq, reason, "refused");
}

Status Outbox::State::bury(StreamIndex index, Sequence seq, std::string_view reason, std::string_view cause) {
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
  if (cause == kDamaged)
    gap.add(cause, 1, row.samples);  // what else it says is as little worth
  else
    gap.add_row(cause, row);
  const Row gap_row{.seq = row.seq,
                    .through = row.seq,
                    .format = RowFormat::kGap,
                    .boot = row.boot,
                    .time = row.time,
                    .payload = gap_payload(gap)};
  const RowSum gone{.rows = 1, .samples = row.samples, .bytes = row.payload.size()};
  const DeadLetter letter{.stream = stream.id, .epoch = epoch, .reason = std::string(reason), .row = row};
  Status done = transact([&]() -> Status {
    if (Status kept = letter_table.insert(letter); !kept) return kept;
    if (Status replaced = replace_by_gap(index, gap_row, gone); !replaced) return replaced;
    draft(index).lose(cause, row.samples);
    return ok();
  });
  if (!done) letter_table.rolled_back();
  note_outcome(done);
  return done;
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

Result<Sequence> Outbox::requeue(std::int64_t id) {
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
  return state.stage({.stream = *index, .row = std::move((*letter)->row), .losses = {}, .dead_letter = id});
}

}  // namespace outrider
