// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/device.h"

#include <array>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

using std::chrono::microseconds;
using Values = std::vector<FrameEncoder::SignalValue>;

constexpr std::array<MessagePlan, 6> kVehiclePlan{{
    {"VehicleMotion", milliseconds{20}, microseconds{0}},
    {"EngineState", milliseconds{50}, microseconds{1300}},
    {"Position", milliseconds{200}, microseconds{3700}},
    {"FuelAndDistance", milliseconds{1000}, microseconds{6100}},
    {"PositionDetail", milliseconds{1000}, microseconds{8300}},
    {"BodyState", milliseconds{1000}, microseconds{11'900}},
}};

constexpr std::array<MessagePlan, 3> kMachinePlan{{
    {"SpindleState", milliseconds{50}, microseconds{0}},
    {"MachineHealth", milliseconds{200}, microseconds{2900}},
    {"ProductionState", milliseconds{1000}, microseconds{7300}},
}};

template <class Enumerator>
double number_of(Enumerator enumerator) {
  return static_cast<double>(static_cast<int>(enumerator));
}

void signals_of_vehicle(const VehicleState& state, std::size_t message, Values& values) {
  switch (message) {
    case 0:
      values = {{"VehicleSpeed", state.speed_km_h},
                {"LongitudinalAcceleration", state.acceleration_m_s2},
                {"Deceleration", state.deceleration_m_s2}};
      break;
    case 1:
      values = {{"EngineSpeed", state.engine_rpm},
                {"EngineCoolantTemperature", state.coolant_degc},
                {"Gear", static_cast<double>(state.gear)},
                {"EngineLoad", state.engine_load_percent}};
      break;
    case 2:
      values = {{"Latitude", state.latitude_deg}, {"Longitude", state.longitude_deg}};
      break;
    case 3:
      values = {{"FuelLevel", state.fuel_percent}, {"Odometer", state.odometer_km}};
      break;
    case 4:
      values = {{"Altitude", state.altitude_m}, {"Heading", state.heading_deg}};
      break;
    default:
      values = {{"BatteryVoltage", state.battery_volts}, {"Ignition", number_of(state.ignition)}};
  }
}

void signals_of_machine(const MachineState& state, std::size_t message, Values& values) {
  switch (message) {
    case 0:
      values = {{"SpindleSpeed", state.spindle_rpm}, {"MotorCurrent", state.motor_current_a}};
      break;
    case 1:
      values = {{"VibrationRms", state.vibration_mm_s},
                {"BearingTemperature", state.bearing_degc},
                {"CoolantFlow", state.coolant_l_min}};
      break;
    default:
      values = {{"CycleCount", static_cast<double>(state.cycle_count)},
                {"MachineState", number_of(state.phase)}};
  }
}

std::variant<VehicleModel, MachineModel> make_model(SimulatedModel model, std::uint64_t seed) {
  if (model == SimulatedModel::kVehicle) return VehicleModel(seed);
  return MachineModel(seed);
}

}  // namespace

std::span<const MessagePlan> plan_of(SimulatedModel model) {
  if (model == SimulatedModel::kVehicle) return kVehiclePlan;
  return kMachinePlan;
}

SimulatedDevice::SimulatedDevice(SimulatedModel model, std::uint64_t seed)
    : model_(make_model(model, seed)) {}

void SimulatedDevice::step(nanoseconds dt) {
  std::visit([dt](auto& model) { model.step(dt); }, model_);
}

void SimulatedDevice::signals_of(std::size_t message, std::vector<FrameEncoder::SignalValue>& values) const {
  if (const auto* vehicle = std::get_if<VehicleModel>(&model_)) {
    ENSURE(message < kVehiclePlan.size());
    signals_of_vehicle(vehicle->state(), message, values);
    return;
  }
  ENSURE(message < kMachinePlan.size());
  signals_of_machine(std::get<MachineModel>(model_).state(), message, values);
}

}  // namespace outrider
