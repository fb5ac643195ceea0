// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/ports/frame_encoder.h"
#include "platform/simulated/machine_model.h"
#include "platform/simulated/vehicle_model.h"

namespace outrider {

enum class SimulatedModel : std::uint8_t { kVehicle, kMachine };

/// A message that simulated devices of one kind send.
struct MessagePlan {
  std::string_view name;  ///< In outrider_vehicle.dbc or outrider_machine.dbc.
  milliseconds period;    ///< The file's GenMsgCycleTime; a test compares them.
  nanoseconds
      phase;  ///< First sent this long after the start, as real control units do not all send at once.
};
std::span<const MessagePlan> plan_of(SimulatedModel model);

/// One vehicle or machine and the values its control units would send.
class SimulatedDevice {
 public:
  SimulatedDevice(SimulatedModel model, std::uint64_t seed);

  void step(nanoseconds dt);

  /// Replaces `values` by the signals of message number `message` of the plan.
  void signals_of(std::size_t message, std::vector<FrameEncoder::SignalValue>& values) const;

 private:
  std::variant<VehicleModel, MachineModel> model_;
};

}  // namespace outrider
