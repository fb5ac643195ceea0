// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/outbox_trial.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace outrider {
namespace {

constexpr std::array<const char*, 3> kVehicles = {"truck", "truck", "van"};
constexpr std::array<Channel, 3> kChannels = {Channel::kTelemetry, Channel::kEvents, Channel::kTelemetry};

constexpr std::array<const char*, 13> kNames = {"append",    "commit", "send",    "acknowledge", "read",
                                                "expire",    "bury",   "requeue", "reopen",      "kill",
                                                "cut_power", "fault",  "heal"};

struct FaultKind {
  FaultVfs::Operation operation;
  int code;
};
constexpr std::array<FaultKind, 6> kFaults = {{
    {FaultVfs::Operation::kWrite, SQLITE_IOERR_WRITE},
    {FaultVfs::Operation::kWrite, SQLITE_FULL},
    {FaultVfs::Operation::kSync, SQLITE_IOERR_FSYNC},
    {FaultVfs::Operation::kRead, SQLITE_IOERR_READ},
    {FaultVfs::Operation::kResize, SQLITE_FULL},
    {FaultVfs::Operation::kResize, SQLITE_IOERR_TRUNCATE},
}};

BootTime time_of(std::uint64_t row) { return BootTime(milliseconds(row)); }

}  // namespace

std::string describe(const Script& script) {
  std::string text =
      "seed " + std::to_string(script.seed) + ", max_bytes " + std::to_string(script.max_bytes);
  if (script.cut_at) text += ", power cut at change " + std::to_string(*script.cut_at);
  for (const Step& step : script.steps)
    text += std::string("\n  ") + kNames.at(static_cast<std::size_t>(step.kind)) + "(" +
            std::to_string(step.a) + ", " + std::to_string(step.b) + ")";
  return text;
}

Trial::Trial(const Script& script) : script_(script), disk_(script.seed), model_(kStreams) {
  options_.path = directory_.file("buffer.db");
  options_.max_bytes = script.max_bytes;
  options_.max_staged_bytes = 64U << 10U;
  options_.min_free_disk = 0;
}

void Trial::run() {
  if (script_.ignores_syncs) disk_.ignore_syncs();
  if (script_.cut_at) disk_.cut_power(*script_.cut_at);
  open();
  for (const Step& step : script_.steps) {
    take(step);
    if (disk_.is_cut()) crash();
  }
  disk_.heal();
  commit();
  if (disk_.is_cut()) crash();
  reopen();
  if (disk_.is_cut()) crash();
}

// Lives.

void Trial::open() {
  if (!try_open()) {
    must(disk_.is_cut(), "an outbox opens when the storage works");
    disk_.restore_power();
    const bool is_open = try_open();
    must(is_open, "an outbox opens after a power cut: " + refusal_);
  }
  failures_seen_ = failures_at_open_ = disk_.failures();
  const bool is_same = epoch_.empty() || epoch_ == outbox_->epoch();
  const bool had_rows =
      std::any_of(model_.begin(), model_.end(), [](const auto& stream) { return stream.newest() > 0; });
  must(is_same || !had_rows, "the epoch stays while no number could repeat");
  epoch_ = outbox_->epoch();
  boot_ = outbox_->boot("trial");
  index_.clear();
  for (std::size_t i = 0; i < kStreams; ++i)
    index_.push_back(*outbox_->stream(kVehicles.at(i), kChannels.at(i)));
  staged_.clear();
  if (disk_.is_cut()) crash();
}

bool Trial::try_open() {
  disk_.pause(true);
  Result<std::unique_ptr<Outbox>> opened = Outbox::open(options_, epoch_file_);
  disk_.pause(false);
  refusal_ = opened ? "" : opened.error().text;
  if (opened) outbox_ = std::move(*opened);
  return bool(opened);
}

void Trial::crash() {
  ++crashes_;
  outbox_.reset();
  disk_.restore_power();
  open();
  look({.is_after_crash = true, .may_evict = true, .may_expire = true});
}

/// A transaction that failed when its last sync did is found to be whole if nothing was written over it.
void Trial::reopen() {
  const bool has_failed = disk_.failures() != failures_at_open_;
  outbox_.reset();
  if (disk_.is_cut()) return;
  open();
  look({.is_after_crash = true, .may_evict = has_failed, .may_expire = has_failed});
}

void Trial::take(const Step& step) {
  switch (step.kind) {
    case Step::Kind::kAppend:
      return append(step);
    case Step::Kind::kCommit:
      return commit();
    case Step::Kind::kSend:
      return send(step);
    case Step::Kind::kAcknowledge:
      return acknowledge(step);
    case Step::Kind::kRead:
      return compare_read(step);
    case Step::Kind::kExpire:
      return expire(step);
    case Step::Kind::kBury:
      return bury(step);
    case Step::Kind::kRequeue:
      return requeue(step);
    case Step::Kind::kReopen:
      return reopen();
    case Step::Kind::kKill:
      return disk_.kill();
    case Step::Kind::kCutPower:
      return disk_.cut_power(step.a % 40);
    case Step::Kind::kFault:
      return inject(step);
    case Step::Kind::kHeal:
      return disk_.heal();
  }
}

void Trial::inject(const Step& step) {
  const FaultKind& kind = kFaults.at(step.a % kFaults.size());
  // A file that cannot become longer is taken for a full disk, whatever the reason.
  was_full_ = was_full_ || kind.code == SQLITE_FULL || kind.operation == FaultVfs::Operation::kResize;
  disk_.fail({.operation = kind.operation,
              .code = kind.code,
              .after = step.b % 6,
              .times = (step.a >> 8U) % 3 == 0 ? std::uint64_t{1} << 40U : 1 + (step.a >> 10U) % 4});
}

// Steps.

void Trial::append(const Step& step) {
  static constexpr std::array<std::size_t, 6> kSizes = {20, 300, 300, 2000, 6000, 30'000};
  const std::size_t stream = step.a % kStreams;
  Row row;
  row.boot = boot_;
  row.time = time_of(++made_);
  row.samples = step.b % 50;
  row.payload = "row " + std::to_string(made_) + " ";
  row.payload.resize(kSizes.at((step.a >> 8U) % kSizes.size()) + (step.b >> 8U) % 20,
                     static_cast<char>('a' + made_ % 26));
  stage(stream, std::move(row), (step.b >> 16U) % 8 == 0 ? 1 + (step.b >> 20U) % 100 : 0);
}

void Trial::stage(std::size_t stream, Row row, std::uint64_t lost) {
  LossCounts losses;
  if (lost > 0) losses["can0.overrun"] = lost;
  Result<Sequence> seq = outbox_->append(index_[stream], row, losses);
  if (!seq) return must(seq.error().fault == Fault::kReject, "an append is refused only as too much");
  must(*seq == model_[stream].next_number(), "numbers have no holes");
  row.seq = row.through = *seq;
  model_[stream].append(std::move(row), lost);
  staged_.push_back(stream);
}

void Trial::commit() {
  const Status done = outbox_->commit();
  if (disk_.is_cut()) return;
  if (!done) {
    ++failed_commits_;
    must(done.error().fault == Fault::kRetry,
         "a fault of the storage is worth trying again: " + done.error().text);
    return look({.may_evict = true}, /*is_commit=*/true);
  }
  follow_commit();
  failures_seen_ = disk_.failures();
  look({.may_evict = script_.max_bytes < (32U << 20U) || was_full_}, /*is_commit=*/true);
  for (ModelStream& stream : model_) stream.settled();
}

/// The oldest staged rows are in the file now.
void Trial::follow_commit() {
  const auto left = static_cast<std::size_t>(outbox_->staged_rows());
  must(left <= staged_.size(), "a commit stages no rows");
  must(left == 0 || left < staged_.size(), "a commit that writes no row says that it failed");
  const auto end = staged_.end() - static_cast<std::ptrdiff_t>(left);
  for (auto stream = staged_.begin(); stream != end; ++stream) model_[*stream].committed(1);
  staged_.erase(staged_.begin(), end);
}

void Trial::send(const Step& step) {
  const std::size_t i = step.a % kStreams;
  const std::vector<Row>& rows = model_[i].rows();
  if (rows.empty()) return;
  const Sequence through = rows[step.b % rows.size()].through;
  outbox_->note_sent(index_[i], through);
  model_[i].sent(through);
}

void Trial::acknowledge(const Step& step) {
  const std::size_t i = step.a % kStreams;
  Sequence through = 0;
  std::size_t wanted = step.b % 64;
  for (const Row& row : model_[i].rows()) {
    if (row.seq > model_[i].sent() || wanted-- == 0) break;
    through = row.through;
  }
  if (through == 0) return;
  outbox_->acknowledge(index_[i], through);
  model_[i].acknowledged(through);
}

void Trial::compare_read(const Step& step) {
  if (is_shaky()) return;
  const std::size_t i = step.a % kStreams;
  const Sequence from = model_[i].newest() == 0 ? 0 : step.b % (model_[i].newest() + 2);
  disk_.pause(true);
  model_[i].compare_read(*outbox_, index_[i], from, 1 + (step.b >> 16U) % 20);
  disk_.pause(false);
}

void Trial::expire(const Step& step) {
  const BootTime limit = time_of(made_ * (step.a % 100) / 100);
  const Status done =
      outbox_->expire([&](std::uint32_t boot, BootTime time) { return boot == boot_ && time < limit; });
  if (disk_.is_cut()) return;
  if (!done) must(done.error().fault == Fault::kRetry, "a fault of the storage is worth trying again");
  const auto gone_before = evicted_;
  look({.may_expire = true});
  expired_ += evicted_ - gone_before;
  evicted_ = gone_before;
}

void Trial::bury(const Step& step) {
  const std::size_t i = step.a % kStreams;
  if (model_[i].rows().empty()) return;
  const Row row = model_[i].rows()[step.b % model_[i].rows().size()];
  model_[i].buried(row.seq);
  buried_rows_.push_back({i, row});
  const Status done = outbox_->bury(index_[i], row.seq, "a test");
  if (disk_.is_cut()) return;
  const bool is_refused = !done && done.error().fault == Fault::kReject;
  must(is_refused == (row.format == RowFormat::kGap) || is_shaky(),
       "a row that waits can be buried, a gap record cannot");
  if (done) ++buried_;
  look({});
  if (done) must(is_shaky() || model_[i].at(row.seq).is_gone, "a buried row leaves a gap record");
}

void Trial::requeue(const Step& step) {
  Result<std::vector<DeadLetter>> letters = outbox_->dead_letters(0, 1000);
  if (!letters) return must(is_shaky(), "dead letters can be read when the storage works");
  if (letters->empty()) return;
  const DeadLetter& letter = (*letters)[step.a % letters->size()];
  Result<Sequence> seq = outbox_->requeue(letter.id);
  if (!seq) return;
  ++requeued_;
  const auto stream =
      static_cast<std::size_t>(std::find(index_.begin(), index_.end(), letter.stream) - index_.begin());
  must(*seq == model_.at(stream).next_number(), "a row that comes back gets a new number");
  Row row = letter.row;
  row.seq = row.through = *seq;
  model_[stream].append(std::move(row), 0);
  staged_.push_back(stream);
}

// Judging.

void Trial::look(const ModelStream::Allowance& allowance, bool is_commit) {
  must(!outbox_->is_damaged(), "a fault of the storage that goes away is no damage");
  disk_.pause(true);
  std::vector<std::vector<Sequence>> gone;
  std::vector<Sequence> newest;
  for (std::size_t i = 0; i < kStreams; ++i) {
    newest.push_back(model_[i].rows().empty() ? model_[i].acked() : model_[i].rows().back().through);
    gone.push_back(model_[i].observe(*outbox_, index_[i], allowance));
    evicted_ += gone.back().size();
    if (is_shaky()) continue;  // after a failure the next commit counts anew
    model_[i].compare_counts(*outbox_, index_[i]);
  }
  if (is_commit) judge_order_of_eviction(gone, newest);
  check_letters();
  disk_.pause(false);
}

/// Events go last: not while there is telemetry that could go.
void Trial::judge_order_of_eviction(const std::vector<std::vector<Sequence>>& gone,
                                    const std::vector<Sequence>& newest) const {
  for (std::size_t i = 0; i < kStreams; ++i) {
    if (kChannels.at(i) != Channel::kEvents || gone[i].empty()) continue;
    for (std::size_t k = 0; k < kStreams; ++k)
      must(kChannels.at(k) == Channel::kEvents || !model_[k].has_evictable(newest[k]),
           "events go only when no telemetry is left that could go");
  }
}

void Trial::check_letters() {
  Result<std::vector<DeadLetter>> letters = outbox_->dead_letters(0, 1000);
  must(bool(letters), "dead letters can be read when the storage works");
  must(outbox_->health().dead_letters == letters->size(), "dead letters are counted");
  for (const DeadLetter& letter : *letters) {
    const bool is_known = std::any_of(buried_rows_.begin(), buried_rows_.end(), [&](const Letter& known) {
      return index_[known.stream] == letter.stream && known.row.seq == letter.row.seq &&
             known.row.payload == letter.row.payload;
    });
    must(is_known, "a dead letter is a row that was buried");
  }
}

}  // namespace outrider
