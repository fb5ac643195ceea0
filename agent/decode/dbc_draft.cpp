// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc_draft.h"

#include <algorithm>

namespace outrider {

namespace {

// The largest files in the field have some ten thousand signals; these bounds keep a hostile one below 200 MB.
constexpr std::size_t kMostMessages = 100'000;
constexpr std::size_t kMostSignals = 250'000;
constexpr std::size_t kMostNamesakes = 64;  // of a signal in its message
constexpr std::size_t kMostWarnings = 1'000;
constexpr std::size_t kMostCopiedBytes = 64U << 20U;

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

}  // namespace

void DbcDraft::warn(int line, std::string text) {
  ++warning_count_;
  if (dbc_.warnings.size() < kMostWarnings) dbc_.warnings.push_back({line, std::move(text)});
}

void DbcDraft::drop_message(std::optional<std::uint64_t> written_id) {
  has_message_begun_ = true;
  current_ = kDropped;
  if (written_id) by_id_.emplace(*written_id, kDropped);
}

void DbcDraft::add_message(std::uint64_t written_id, DbcMessage message) {
  const std::pair frame(message.is_extended, message.id);
  if (const auto taken = by_frame_.find(frame); taken != by_frame_.end()) {
    const DbcMessage& first = dbc_.messages[taken->second];
    warn(message.line, "BO_ skipped: the id of " + quoted(message.short_name) + " is that of " +
                           quoted(first.short_name) + " in line " + std::to_string(first.line) +
                           ", which is kept; its signals are skipped too");
    return drop_message(std::nullopt);
  }
  if (dbc_.messages.size() == kMostMessages) {
    warn(message.line, "BO_ skipped: a file may have " + std::to_string(kMostMessages) + " messages");
    return drop_message(written_id);
  }
  if (const auto [first, is_new] = line_of_name_.emplace(message.short_name, message.line); !is_new)
    warn(message.line, "the name " + quoted(message.short_name) + " is also that of the message in line " +
                           std::to_string(first->second) + "; both are kept");
  has_message_begun_ = true;
  current_ = dbc_.messages.size();
  by_frame_.emplace(frame, current_);
  by_id_.insert_or_assign(written_id, current_);
  dbc_.messages.push_back(std::move(message));
  notes_.emplace_back();
}

bool DbcDraft::is_place_taken(const DbcMessage& message, const std::vector<std::size_t>& namesakes,
                              const MultiplexMark& mark) {
  const std::vector<MultiplexMark>& marks =
      notes_[static_cast<std::size_t>(&message - dbc_.messages.data())].multiplexing.marks;
  if (!mark.when || namesakes.size() == kMostNamesakes) return true;
  return std::any_of(namesakes.begin(), namesakes.end(),
                     [&](std::size_t i) { return !marks[i].when || *marks[i].when == *mark.when; });
}

void DbcDraft::add_signal(DbcSignal signal, MultiplexMark mark, int line) {
  DbcMessage& message = dbc_.messages[current_];
  Notes& notes = notes_[current_];
  if (signal_count_ == kMostSignals) {
    warn(line, "SG_ skipped: a file may have " + std::to_string(kMostSignals) + " signals");
    return drop_signal(signal.short_name);
  }
  std::vector<std::size_t>& namesakes = notes.signals[signal.short_name];
  if (!namesakes.empty()) {
    const bool is_taken = is_place_taken(message, namesakes, mark);
    warn(line, (is_taken ? "SG_ skipped: " : "") + quoted(message.short_name) + " already has a signal " +
                   quoted(signal.short_name) +
                   (is_taken ? "" : "; both are kept, for their selector values differ"));
    if (is_taken) return;
  }
  ++signal_count_;
  namesakes.push_back(message.signals.size());
  message.signals.push_back(std::move(signal));
  notes.multiplexing.marks.push_back(mark);
}

void DbcDraft::drop_signal(std::string_view name) {
  if (current_ < notes_.size()) notes_[current_].dropped.emplace(name);
}

bool DbcDraft::may_copy(std::size_t bytes) {
  copied_bytes_ += bytes;
  return copied_bytes_ <= kMostCopiedBytes;
}

std::optional<std::size_t> DbcDraft::find_message(std::uint64_t written_id, int line,
                                                  std::string_view statement) {
  const auto found = by_id_.find(written_id);
  if (found == by_id_.end()) {
    warn(line,
         std::string(statement) + " skipped: the file has no message with id " + std::to_string(written_id));
    return std::nullopt;
  }
  if (found->second == kDropped) return std::nullopt;
  return found->second;
}

std::vector<std::size_t> DbcDraft::find_signals(std::size_t message, std::string_view name, int line,
                                                std::string_view statement) {
  const Notes& notes = notes_[message];
  if (const auto found = notes.signals.find(name); found != notes.signals.end()) return found->second;
  if (notes.dropped.find(name) == notes.dropped.end())
    warn(line, std::string(statement) + " skipped: message " + quoted(dbc_.messages[message].short_name) +
                   " has no signal " + quoted(name));
  return {};
}

Dbc DbcDraft::finish() {
  std::stable_sort(dbc_.warnings.begin(), dbc_.warnings.end(),
                   [](const DbcWarning& a, const DbcWarning& b) { return a.line < b.line; });
  if (warning_count_ > dbc_.warnings.size())
    dbc_.warnings.push_back(
        {dbc_.warnings.back().line,
         "and " + std::to_string(warning_count_ - dbc_.warnings.size()) + " more warnings"});
  return std::move(dbc_);
}

}  // namespace outrider
