// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "agent/decode/frame_encoder.h"
#include "agent/lane.h"
#include "platform/simulated/simulated_bus.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_file.h"

namespace outrider {

/// Frames of one simulated vehicle, made beforehand so that only the data path is measured.
inline std::vector<CanFrame> simulated_frames(const BusFiles& files, std::size_t count) {
  ManualClock clock;
  const DbcFrameEncoder encoder(files.front());
  SimulatedBus bus({.seed = 1, .length = std::nullopt}, encoder, clock,
                   [&clock](nanoseconds length) { clock.advance(length); });
  std::vector<CanFrame> frames;
  while (frames.size() < count)
    if (!bus.receive(frames, milliseconds(100))) break;
  frames.resize(count);
  return frames;
}

/// One vehicle's lane over a private outbox: frame → decode → select → encoded row.
struct PathRig {
  explicit PathRig(milliseconds min_interval) {
    config.vehicle_id = "bench";
    config.buses = {{.name = "can0", .dbc = {}}};
    config.signals = {SignalRule{.min_interval = min_interval}};
    auto dbc = parse_dbc(*builtin_file("outrider_vehicle.dbc"), "outrider_vehicle.dbc");
    files = {{std::make_shared<const Dbc>(std::move(*dbc))}};
    outbox = std::move(
        *Outbox::open({.path = "", .max_staged_bytes = std::uint64_t{1} << 40, .random = 1}, epoch));
    boot = *outbox->boot("bench");
    streams = {*outbox->stream("bench", Channel::kTelemetry), *outbox->stream("bench", Channel::kEvents)};
    lane = std::make_unique<Lane>("bench", config, files, *outbox, streams);
  }

  void take(const std::vector<CanFrame>& frames) {
    lane->begin_turn(boot, BootTime(seconds(1)));
    for (const CanFrame& frame : frames) lane->take(0, frame);
  }
  std::uint64_t kept() const { return outbox->ledger(streams.telemetry).sampled; }

  Config config;
  BusFiles files;
  MemoryFile epoch;
  std::unique_ptr<Outbox> outbox;
  std::uint32_t boot = 0;
  Lane::Streams streams{};
  std::unique_ptr<Lane> lane;
};

}  // namespace outrider
