// SPDX-License-Identifier: Apache-2.0
#include "agent/store/move_rows.h"

#include <map>

#include "agent/base/log.h"
#include "agent/store/gap.h"

namespace outrider {
namespace {

constexpr std::size_t kBytesAtOnce = 256U << 10U;
constexpr std::size_t kRowsAtOnce = 1000;

class Mover {
 public:
  Mover(Outbox& from, Outbox& to) : from_(from), to_(to) {}

  MovedRows run() {
    from_.hold_back(false);
    for (OffsetEntry offset : from_.offsets()) {
      offset.boot = boot_of(offset.boot);
      to_.note_offset(offset);
    }
    moved_.losses.resize(from_.streams().size());
    for (std::size_t i = 0; i < from_.streams().size(); ++i) move_stream(static_cast<StreamIndex>(i));
    if (const Status written = to_.commit(); !written) log_warning("store", written.error().text);
    return std::move(moved_);
  }

 private:
  std::uint32_t boot_of(std::uint32_t key) {
    const auto known = boots_.find(key);
    return known != boots_.end() ? known->second : boots_[key] = to_.boot(from_.boot_id(key));
  }

  void move_stream(StreamIndex index) {
    const Outbox::StreamName& name = from_.streams()[index];
    const Result<StreamIndex> target = to_.stream(name.vehicle_id, name.channel);
    Sequence next = from_.backlog(index).oldest;
    std::vector<Row> rows;
    while (next != 0 && next <= from_.backlog(index).newest) {
      rows.clear();
      if (const Status read = from_.read(index, next, kBytesAtOnce, kRowsAtOnce, rows); !read || rows.empty())
        break;
      next = rows.back().through + 1;
      for (Row& row : rows) move_row(index, target, row);
    }
  }

  void move_row(StreamIndex index, const Result<StreamIndex>& target, Row& row) {
    LossCounts& losses = moved_.losses[index];
    if (row.format == RowFormat::kGap) {
      for (const Gap::Part& part : parse_gap(row.payload).parts) count_loss(losses, part.cause, part.samples);
      return;
    }
    const std::uint64_t samples = row.samples;
    const std::uint64_t lost = row.lost;
    row.boot = boot_of(row.boot);
    if (target && append(*target, row)) {
      ++moved_.rows;
      moved_.samples += samples;
      return;
    }
    const bool is_event = from_.streams()[index].channel == Channel::kEvents;
    count_loss(losses, is_event ? "events.buffer_full" : "buffer_full", is_event ? 1 : samples);
    (is_event ? moved_.newly_lost_events : moved_.newly_lost_samples) += is_event ? 1 : samples;
    if (lost > 0) count_loss(losses, kLostBefore, lost);
  }

  bool append(StreamIndex target, const Row& row) {
    LossCounts reported;  // the payload says of what; here only their number is known
    if (row.lost > 0) reported[std::string(kLostBefore)] = row.lost;
    if (to_.append(target, row, reported)) return true;
    if (const Status written = to_.commit(); !written) log_warning("store", written.error().text);
    return bool(to_.append(target, row, reported));
  }

  Outbox& from_;
  Outbox& to_;
  std::map<std::uint32_t, std::uint32_t> boots_;  // keys there by keys here
  MovedRows moved_;
};

}  // namespace

MovedRows move_rows(Outbox& from, Outbox& to) { return Mover(from, to).run(); }

}  // namespace outrider
