// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "agent/ports/can_port.h"
#include "agent/ports/clock.h"
#include "agent/ports/frame_encoder.h"
#include "platform/simulated/device.h"
#include "platform/simulated/waiter.h"

namespace outrider {

struct SimulatedBusOptions {
  SimulatedModel model = SimulatedModel::kVehicle;
  std::uint16_t devices = 1;  ///< Vehicles or machines, each with its own seed.
  std::uint16_t buses_per_device =
      1;  ///< Buses of the configuration; device d has bus d * buses_per_device + n.
  std::uint64_t seed = 1;
  std::optional<nanoseconds> length{};  ///< The feed ends this long after the first `receive`; absent: never.
};

/// Vehicles or machines that send CAN frames in real time.
///
/// Frames are stamped with the moment they were due, so that a late call changes nothing but when they are handed over;
/// none is ever left out. The first `receive` starts the time of the simulation.
/// Errors   kStop when the DBC files know none of the messages that the devices send.
class SimulatedBus final : public CanPort {
 public:
  /// `encoder` and `clock` are borrowed. The encoder sets `bus` of a frame to the device's bus, counted from 0.
  SimulatedBus(const SimulatedBusOptions& options, const FrameEncoder& encoder, const Clock& clock,
               Waiter wait = sleeping_waiter());

  Result<Feed> receive(std::vector<CanFrame>& frames, milliseconds longest) override;
  bool can_wait() const override { return true; }
  std::uint64_t overruns(std::uint16_t /*bus*/) const override { return 0; }

 private:
  /// The next time a device sends a message.
  struct Sending {
    nanoseconds due;  ///< Since the start.
    std::uint16_t device;
    std::uint16_t message;
  };
  struct Moving {
    SimulatedDevice device;
    nanoseconds at{};  ///< Time of the simulation that the model has reached.
  };
  static bool is_later(const Sending& left, const Sending& right);

  void schedule(std::uint16_t device);
  void send_due(nanoseconds now, std::vector<CanFrame>& frames);
  CanFrame frame_of(const Sending& sending);
  bool is_over(nanoseconds moment) const { return length_ && moment >= *length_; }

  const std::optional<nanoseconds> length_;
  const SimulatedModel model_;
  const std::uint16_t devices_;
  const std::uint16_t buses_per_device_;
  const FrameEncoder& encoder_;
  const Clock& clock_;
  const Waiter wait_;

  // Used by the collector only.
  std::vector<Moving> moving_;
  std::vector<Sending> sendings_;  // a heap with the next one first
  std::vector<FrameEncoder::SignalValue> values_;
  std::optional<BootTime> start_;
  nanoseconds not_before_{};  // end of the pause after the last batch
};

}  // namespace outrider
