// SPDX-License-Identifier: Apache-2.0
#include "agent/command/stream_checker.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace outrider {

namespace {

/// Hands the tokens of nlohmann's parser to a MessageReader; the names of types and functions are the library's.
class TokenFeed {
 public:
  // NOLINTBEGIN(readability-identifier-naming)
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;
  // NOLINTEND(readability-identifier-naming)

  explicit TokenFeed(MessageReader& reader) : reader_(reader) {}

  bool null() {
    reader_.null();
    return true;
  }
  bool boolean(bool value) {
    reader_.boolean(value);
    return true;
  }
  bool number_integer(number_integer_t value) {
    reader_.integer(value);
    return true;
  }
  bool number_unsigned(number_unsigned_t value) {
    if (value > number_unsigned_t{std::numeric_limits<std::int64_t>::max()})
      reader_.number(static_cast<double>(value));
    else
      reader_.integer(static_cast<std::int64_t>(value));
    return true;
  }
  bool number_float(number_float_t value, const string_t& /*text*/) {
    reader_.number(value);
    return true;
  }
  bool string(const string_t& value) {
    reader_.text(value);
    return true;
  }
  bool binary(const binary_t& /*value*/) { return true; }  // never in text
  bool start_object(std::size_t /*elements*/) {
    reader_.open(false);
    return true;
  }
  bool key(const string_t& value) {
    reader_.name(value);
    return true;
  }
  bool end_object() {
    reader_.close();
    return true;
  }
  bool start_array(std::size_t /*elements*/) {
    reader_.open(true);
    return true;
  }
  bool end_array() {
    reader_.close();
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) {
    error_position_ = position;
    return false;
  }

  std::size_t error_position() const { return error_position_; }

 private:
  MessageReader& reader_;
  std::size_t error_position_ = 0;
};

SeenMessage read_message(std::string_view payload) {
  MessageReader reader;
  TokenFeed feed(reader);
  if (nlohmann::json::sax_parse(payload, &feed)) return reader.finish();
  SeenMessage broken;
  broken.kind = SeenMessage::Kind::kBroken;
  broken.problem = "a message of " + std::to_string(payload.size()) + " bytes is no JSON from byte " +
                   std::to_string(feed.error_position()) + " on";
  return broken;
}

const char* channel_of(SeenMessage::Kind kind) {
  return kind == SeenMessage::Kind::kEvents ? "events" : "telemetry";
}

double rounded(double milliseconds_taken) { return std::round(milliseconds_taken * 10) / 10; }

}  // namespace

bool StreamReport::is_fine() const {
  return out_of_order == 0 && gaps == 0 && conflicts == 0 && broken == 0 && rows > 0;
}

std::string StreamReport::json() const {
  return nlohmann::ordered_json{
      {"messages", messages},
      {"rows", rows},
      {"samples", samples},
      {"repeats", repeats},
      {"gaps", gaps},
      {"missing", missing},
      {"gap_records", gap_records},
      {"reported_lost", reported_lost},
      {"out_of_order", out_of_order},
      {"conflicts", conflicts},
      {"broken", broken},
      {"status_documents", status_documents},
      {"other", other},
      {"streams", streams},
      {"epochs", epochs},
      {"latency_ms",
       {{"p50", rounded(latency_p50_ms)},
        {"p99", rounded(latency_p99_ms)},
        {"max", rounded(latency_max_ms)}}},
  }
      .dump();
}

void StreamChecker::take(std::string_view payload, WallTime received) {
  const SeenMessage message = read_message(payload);
  switch (message.kind) {
    case SeenMessage::Kind::kStatus:
      ++counts_.status_documents;
      return;
    case SeenMessage::Kind::kOther:
      ++counts_.other;
      return;
    case SeenMessage::Kind::kBroken:
      ++counts_.broken;
      return complain(message.problem);
    case SeenMessage::Kind::kTelemetry:
    case SeenMessage::Kind::kEvents:
      break;
  }
  ++counts_.messages;
  for (const SeenRow& row : message.rows) {
    Account* account = account_of(row, message.kind);
    if (account == nullptr) {
      ++counts_.broken;
      return complain("more streams and epochs than " + std::to_string(kMaxAccounts) + " cannot be checked");
    }
    row.is_gap ? take_gap(*account, row) : take_row(*account, row, received);
  }
}

StreamChecker::Account* StreamChecker::account_of(const SeenRow& row, SeenMessage::Kind kind) {
  account_key_ = row.vehicle_id;
  account_key_ += '/';
  account_key_ += channel_of(kind);
  const std::size_t stream_bytes = account_key_.size();
  account_key_ += " epoch ";
  account_key_ += row.epoch;
  if (const auto known = accounts_.find(account_key_); known != accounts_.end()) return &known->second;
  if (accounts_.size() >= kMaxAccounts) return nullptr;
  streams_.insert(account_key_.substr(0, stream_bytes));
  return &accounts_.try_emplace(account_key_, accounts_.size(), options_.from_start).first->second;
}

void StreamChecker::take_row(Account& account, const SeenRow& row, WallTime received) {
  const NumberLedger::Arrival arrival = account.numbers.take({row.seq, row.seq});
  const std::uint64_t key = account.key_of(row.seq);
  if (arrival.fresh == 0) {
    ++counts_.repeats;
    const std::optional<std::uint64_t> earlier = contents_.find(key);
    if (!earlier || *earlier == row.content) return;
    ++counts_.conflicts;
    return complain("row " + std::to_string(row.seq) + " of " + account_key_ +
                    " came again with another content");
  }
  contents_.remember(key, row.content);
  ++counts_.rows;
  counts_.samples += row.samples;
  counts_.reported_lost += row.lost;
  if (row.newest) latency_.add(received - *row.newest);
  if (arrival.is_out_of_order) note_disorder(row);
}

void StreamChecker::take_gap(Account& account, const SeenRow& row) {
  const NumberLedger::Arrival arrival = account.numbers.take({row.seq, row.through});
  const std::uint64_t key = account.key_of(row.seq);
  const std::optional<std::uint64_t> earlier = gap_losses_.find(key);
  if (earlier && arrival.fresh == 0)
    ++counts_.repeats;
  else
    ++counts_.gap_records;
  if (!earlier || *earlier < row.lost) {
    counts_.reported_lost += row.lost - earlier.value_or(0);
    gap_losses_.remember(key, row.lost);
  }
  if (arrival.is_out_of_order) note_disorder(row);
}

void StreamChecker::note_disorder(const SeenRow& row) {
  ++counts_.out_of_order;
  complain("row " + std::to_string(row.seq) + " of " + account_key_ + " came after later ones");
}

void StreamChecker::complain(std::string problem) {
  if (first_problem_.empty()) first_problem_ = std::move(problem);
}

StreamReport StreamChecker::report() const {
  StreamReport report = counts_;
  for (const auto& [name, account] : accounts_) {
    report.gaps += account.numbers.gaps();
    report.missing += account.numbers.missing();
  }
  report.streams = streams_.size();
  report.epochs = accounts_.size();
  report.latency_p50_ms = latency_.percentile(0.50);
  report.latency_p99_ms = latency_.percentile(0.99);
  report.latency_max_ms = latency_.maximum();
  return report;
}

std::string StreamChecker::first_problem() const {
  if (!first_problem_.empty()) return first_problem_;
  for (const auto& [name, account] : accounts_)
    if (const std::optional<NumberRange> gap = account.numbers.first_gap())
      return "rows " + std::to_string(gap->first) + " to " + std::to_string(gap->last) + " of " + name +
             " never came and no gap record covers them";
  return {};
}

}  // namespace outrider
