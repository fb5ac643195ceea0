// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/log_port.h"

#include <algorithm>
#include <utility>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

/// A step back of less than this is two interfaces that were logged out of order.
constexpr seconds kNewBeginning{1};
constexpr milliseconds kWaitForFirstChunk{1000};

/// There is one writer: no need for the cost of an atomic addition.
void count(std::atomic<std::uint64_t>& counter, std::uint64_t more = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

bool is_blank_or_comment(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first == std::string_view::npos || line[first] == '#';
}

}  // namespace

Result<std::unique_ptr<LogPort>> LogPort::open(LogPortOptions options, LogParser parse, const Clock& clock,
                                               Waiter wait) {
  ENSURE(!options.buses.empty());
  ENSURE(!options.speed || *options.speed > 0);
  Result<LineReader> reader = LineReader::open(options.path);
  if (!reader) return reader.error();
  std::unique_ptr<LogPort> port(
      new LogPort(std::move(options), std::move(parse), clock, std::move(wait), std::move(*reader)));
  if (Status looked = port->look_ahead(); !looked) return looked.error();
  return port;
}

LogPort::LogPort(LogPortOptions options, LogParser parse, const Clock& clock, Waiter wait, LineReader reader)
    : options_(std::move(options)),
      parse_(std::move(parse)),
      clock_(clock),
      wait_(std::move(wait)),
      reader_(std::move(reader)),
      overruns_(options_.buses.size()) {}

Status LogPort::look_ahead() {
  const Result<LineReader::Supply> supply = reader_.fill(kWaitForFirstChunk);
  if (!supply) return supply.error();
  std::string_view ahead = reader_.ahead();
  while (!ahead.empty() && !is_name_known_) {
    const std::size_t length = std::min(ahead.find('\n'), ahead.size());
    const std::optional<LogFrame> seen = parse_(ahead.substr(0, length));
    is_name_known_ = seen && seen->interface == options_.buses.front();
    ahead.remove_prefix(std::min(length + 1, ahead.size()));
  }
  (void)find_frame();
  return ok();
}

Result<CanPort::Feed> LogPort::receive(std::vector<CanFrame>& frames, milliseconds longest) {
  const BootTime called = clock_.now();
  if (!is_started_) anchor_due_ = called;
  is_started_ = true;
  const BootTime deadline = called + longest;
  wait_until(std::min(not_before_, deadline));

  const std::size_t before = frames.size();
  while (true) {
    const BootTime now = clock_.now();
    Result<LineReader::Supply> supply = take_due(now, frames);
    if (const std::size_t taken = frames.size() - before; taken > 0) {
      // A full batch means that we are behind: the next call goes on at once. An error comes back with the next call.
      if (options_.speed && taken < kMaxBatch) not_before_ = now + kShortestWait;
      return Feed::kOpen;
    }
    if (supply && *supply == LineReader::Supply::kEnd) return Feed::kEnded;
    if (supply && now < deadline) supply = await_more(now, deadline);
    if (!supply) return supply.error();
    if (now >= deadline || *supply == LineReader::Supply::kNothingYet) return Feed::kOpen;
  }
}

Result<LineReader::Supply> LogPort::await_more(BootTime now, BootTime deadline) {
  if (!pending_) return reader_.fill(std::chrono::ceil<milliseconds>(deadline - now));
  wait_until(std::min(due(pending_->time), deadline));
  return LineReader::Supply::kMore;
}

void LogPort::wait_until(BootTime moment) const {
  const nanoseconds left = moment - clock_.now();
  if (left > nanoseconds::zero()) wait_(left);
}

Result<LineReader::Supply> LogPort::take_due(BootTime now, std::vector<CanFrame>& frames) {
  const std::size_t before = frames.size();
  while (frames.size() - before < kMaxBatch) {
    if (!pending_ && !find_frame()) {
      Result<LineReader::Supply> supply = reader_.fill(milliseconds{0});
      if (!supply || *supply == LineReader::Supply::kNothingYet) return supply;
      if (!find_frame() && *supply == LineReader::Supply::kEnd) return supply;
      if (!pending_) return LineReader::Supply::kMore;  // a chunk of junk: let `receive` look at the time
    }
    if (options_.speed && due(pending_->time) > now) break;
    frames.push_back(*pending_);
    pending_.reset();
  }
  return LineReader::Supply::kMore;
}

bool LogPort::find_frame() {
  while (!pending_) {
    const std::uint64_t overlong_before = reader_.overlong_lines();
    const std::optional<std::string_view> line = reader_.next();
    const std::uint64_t overlong = reader_.overlong_lines() - overlong_before;
    count(lines_, overlong + (line ? 1 : 0));
    count(junk_lines_, overlong);
    if (!line) return false;
    if (!accept(*line)) continue;
    count(frames_);
    note_stamp(pending_->time);
  }
  return true;
}

bool LogPort::accept(std::string_view line) {
  const std::optional<LogFrame> read = parse_(line);
  if (!read) {
    if (!is_blank_or_comment(line)) count(junk_lines_);
    return false;
  }
  const std::optional<std::uint16_t> bus = bus_of(read->interface);
  if (!bus) {
    count(unknown_interfaces_);
    return false;
  }
  if (read->lost > 0) {
    overruns_[*bus].fetch_add(read->lost, std::memory_order_relaxed);
    return false;
  }
  pending_ = read->frame;
  pending_->bus = *bus;
  return true;
}

void LogPort::note_stamp(BootTime stamp) {
  if (!has_first_stamp_.load(std::memory_order_relaxed)) {
    anchor_stamp_ = stamp;
    first_stamp_.store(stamp.time_since_epoch().count(), std::memory_order_relaxed);
    has_first_stamp_.store(true, std::memory_order_release);
  } else if (stamp < last_stamp_) {
    count(steps_back_);
    if (last_stamp_ - stamp >= kNewBeginning) {
      anchor_due_ = due(last_stamp_);
      anchor_stamp_ = stamp;
    }
  }
  last_stamp_ = stamp;
}

std::optional<std::uint16_t> LogPort::bus_of(std::string_view interface) {
  const auto found = std::find(options_.buses.begin(), options_.buses.end(), interface);
  if (found != options_.buses.end()) {
    is_name_known_ = true;
    return static_cast<std::uint16_t>(found - options_.buses.begin());
  }
  if (options_.buses.size() == 1 && !is_name_known_) return std::uint16_t{0};
  return std::nullopt;
}

BootTime LogPort::due(BootTime stamp) const {
  if (!options_.speed) return anchor_due_;
  // 10^18 ns are 30 years: far enough for a broken stamp, and no overflow.
  const double after_ns = static_cast<double>((stamp - anchor_stamp_).count()) / *options_.speed;
  return anchor_due_ + nanoseconds(static_cast<nanoseconds::rep>(std::clamp(after_ns, -1e18, 1e18)));
}

std::uint64_t LogPort::overruns(std::uint16_t bus) const {
  return bus < overruns_.size() ? overruns_[bus].load(std::memory_order_relaxed) : 0;
}

LogCounters LogPort::counters() const {
  return {.lines = lines_.load(std::memory_order_relaxed),
          .frames = frames_.load(std::memory_order_relaxed),
          .junk_lines = junk_lines_.load(std::memory_order_relaxed),
          .unknown_interfaces = unknown_interfaces_.load(std::memory_order_relaxed),
          .steps_back = steps_back_.load(std::memory_order_relaxed)};
}

std::optional<BootTime> LogPort::first_stamp() const {
  if (!has_first_stamp_.load(std::memory_order_acquire)) return std::nullopt;
  return BootTime(nanoseconds(first_stamp_.load(std::memory_order_relaxed)));
}

}  // namespace outrider
