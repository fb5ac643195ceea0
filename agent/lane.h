// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/sample.h"
#include "agent/config/config.h"
#include "agent/decode/decoder.h"
#include "agent/publish/row_builder.h"
#include "agent/select/selection.h"
#include "agent/store/outbox.h"

namespace outrider {

/// DBC files of each bus of the configuration, shared by all vehicles.
using BusFiles = std::vector<std::vector<std::shared_ptr<const Dbc>>>;

/// What one vehicle owns on the way of its samples: decoders, selection, the row that is being filled, two streams.
///
/// Rows     end by the frames' own times: with the first frame that is a commit interval later than the row's first
///          sample, or after a silence of that length. So the same log makes the same rows at any speed.
/// Losses   whatever is lost before it has a number is counted here per cause and travels in the next row that the
///          outbox takes.
/// Threads  the loop only.
class Lane {
 public:
  struct Streams {
    StreamIndex telemetry;
    StreamIndex events;
  };

  Lane(std::string vehicle_id, const Config& config, const BusFiles& files, Outbox& outbox, Streams streams);

  /// Rows of this turn belong to `boot`; `now` is the loop's clock.
  void begin_turn(std::uint32_t boot, BootTime now);

  /// Decodes one frame of bus `bus` (of this vehicle), selects, and adds what is kept to the row.
  void take(std::size_t bus, const CanFrame& frame);

  /// Ends the row when frames stopped coming, and reports losses that found no row to travel in.
  void end_turn();

  /// Stores everything that is being collected: the end of a run.
  void finish();

  /// Stores one event; `members` are the JSON members behind "clock", such as "\"event\":\"started\"".
  void store_event(std::string_view members, std::uint32_t boot, BootTime time);

  void count_loss(std::string_view cause, std::uint64_t count);

  const std::string& vehicle_id() const { return vehicle_id_; }
  const std::vector<SeriesInfo>& series() const { return selection_->series(); }
  const std::vector<std::string>& warnings() const { return selection_->warnings(); }
  const Decoder& decoder(std::size_t bus) const { return decoders_[bus]; }
  const Streams& streams() const { return streams_; }
  /// Lost and counted, but in no row of the outbox yet.
  std::uint64_t unreported_losses() const { return total(losses_); }
  const LossCounts& unreported() const { return losses_; }
  /// Payload of all rows that the outbox took.
  std::uint64_t stored_bytes() const { return stored_bytes_; }

 private:
  void add(const std::vector<Sample>& samples);
  void end_row(BootTime until);
  void store_row();
  void append(Row row);
  void collect_invalid();
  void collect_not_finite();

  const std::string vehicle_id_;
  const std::vector<std::string> bus_names_;
  const nanoseconds row_length_;
  Outbox& outbox_;
  const Streams streams_;
  std::vector<Decoder> decoders_;
  std::vector<std::uint64_t> not_finite_seen_;  // by bus
  std::unique_ptr<Selection> selection_;
  RowBuilder row_;
  LossCounts losses_;
  std::uint64_t stored_bytes_ = 0;
  std::string catalogue_;         // digest that the last row named
  std::size_t known_series_ = 0;  // that `row_` and `catalogue_` cover
  std::uint32_t boot_ = 0;
  BootTime now_{};          // the loop's clock
  BootTime heard_at_{};     // the loop's clock when the last frame came
  BootTime reported_at_{};  // the loop's clock when losses last had a chance to travel
  BootTime last_frame_{};   // stamp of the newest frame
  bool has_heard_ = false;
  bool is_silent_ = true;        // everything collected before the silence is stored
  std::vector<Sample> samples_;  // scratch
  std::vector<Sample> late_;     // scratch
};

}  // namespace outrider
