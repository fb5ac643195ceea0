// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "agent/decode/frame_encoder.h"
#include "agent/lane.h"
#include "platform/simulated/simulated_bus.h"
#include "tests/bench/dbc_frames.h"
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

/// Frames of every message of a DBC in turn, a millisecond apart, whose bytes all change each time.
inline std::vector<CanFrame> changing_frames(const Dbc& dbc, std::size_t count) {
  const std::vector<CanFrame> originals = frames_of(dbc);
  std::vector<CanFrame> frames(count);
  for (std::size_t i = 0; i < count; ++i) {
    frames[i] = originals[i % originals.size()];
    frames[i].time = BootTime(milliseconds(i));
    for (std::uint8_t& byte : frames[i].data)
      byte = static_cast<std::uint8_t>(byte + 37 * (i / originals.size()));
  }
  return frames;
}

/// One vehicle's lane over a private outbox: frame → decode → select → encoded row.
struct PathRig {
  explicit PathRig(milliseconds min_interval) : PathRig(min_interval, simulated_vehicle()) {}
  PathRig(milliseconds min_interval, Dbc dbc) {
    config.vehicle_id = "bench";
    config.buses = {{.name = "can0", .dbc = {}}};
    config.signals = {SignalRule{.min_interval = min_interval}};
    files = {{std::make_shared<const Dbc>(std::move(dbc))}};
    outbox = std::move(
        *Outbox::open({.path = "", .max_staged_bytes = std::uint64_t{1} << 40, .random = 1}, epoch));
    boot = outbox->boot("bench");
    streams = {*outbox->stream("bench", Channel::kTelemetry), *outbox->stream("bench", Channel::kEvents)};
    lane = std::make_unique<Lane>("bench", config, files, *outbox, streams);
  }

  static Dbc simulated_vehicle() {
    return std::move(*parse_dbc(*builtin_file("outrider_vehicle.dbc"), "outrider_vehicle.dbc"));
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
