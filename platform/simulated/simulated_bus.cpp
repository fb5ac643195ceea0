// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/simulated_bus.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

/// Far apart, so that neighbouring seeds of a user and neighbouring devices have nothing in common.
std::uint64_t seed_of_device(std::uint64_t seed, std::uint64_t device) {
  Random random(seed ^ (device * 0xD1B54A32D192ED03ULL));
  return random.next();
}

}  // namespace

SimulatedBus::SimulatedBus(const SimulatedBusOptions& options, const FrameEncoder& encoder,
                           const Clock& clock, Waiter wait)
    : length_(options.length),
      model_(options.model),
      devices_(options.devices),
      buses_per_device_(options.buses_per_device),
      encoder_(encoder),
      clock_(clock),
      wait_(std::move(wait)) {
  ENSURE(buses_per_device_ > 0);
  ENSURE(devices_ * buses_per_device_ <= 65535);
  moving_.reserve(devices_);
  for (std::uint16_t device = 0; device < devices_; ++device) {
    moving_.push_back({SimulatedDevice(model_, seed_of_device(options.seed, device))});
    schedule(device);
  }
  std::make_heap(sendings_.begin(), sendings_.end(), is_later);
}

bool SimulatedBus::is_later(const Sending& left, const Sending& right) {
  return std::tie(left.due, left.device, left.message) > std::tie(right.due, right.device, right.message);
}

void SimulatedBus::schedule(std::uint16_t device) {
  const std::span<const MessagePlan> plan = plan_of(model_);
  // Devices were not switched on at the same instant; this also spreads the work of a big fleet.
  const nanoseconds head_start = milliseconds{20} * device / devices_;
  for (std::size_t message = 0; message < plan.size(); ++message) {
    moving_[device].device.signals_of(message, values_);
    if (!encoder_.encode(plan[message].name, values_)) continue;
    sendings_.push_back({head_start + plan[message].phase, device, static_cast<std::uint16_t>(message)});
  }
}

Result<CanPort::Feed> SimulatedBus::receive(std::vector<CanFrame>& frames, milliseconds longest) {
  if (sendings_.empty()) {
    return stop(
        "the configuration's DBC files have none of the messages that the simulated devices send; use "
        "outrider_vehicle.dbc or outrider_machine.dbc, whichever fits simulator.model");
  }
  if (!start_) start_ = clock_.now();
  const nanoseconds deadline = clock_.now() - *start_ + longest;
  const std::size_t before = frames.size();
  while (true) {
    const nanoseconds now = clock_.now() - *start_;
    if (now >= not_before_) send_due(now, frames);
    if (frames.size() > before) {
      // A full batch means that we are behind: the next call goes on at once.
      if (frames.size() - before < kMaxBatch) not_before_ = now + kShortestWait;
      return Feed::kOpen;
    }
    const nanoseconds next = sendings_.front().due;
    if (is_over(now) && is_over(next)) return Feed::kEnded;
    if (now >= deadline) return Feed::kOpen;
    const nanoseconds wanted = length_ ? std::min(next, *length_) : next;
    wait_(std::min(std::max(wanted, not_before_), deadline) - now);
  }
}

void SimulatedBus::send_due(nanoseconds now, std::vector<CanFrame>& frames) {
  for (std::size_t sent = 0; sent < kMaxBatch; ++sent) {
    const Sending next = sendings_.front();
    if (next.due > now || is_over(next.due)) return;
    frames.push_back(frame_of(next));
    std::pop_heap(sendings_.begin(), sendings_.end(), is_later);
    sendings_.back().due += plan_of(model_)[next.message].period;
    std::push_heap(sendings_.begin(), sendings_.end(), is_later);
  }
}

CanFrame SimulatedBus::frame_of(const Sending& sending) {
  Moving& moving = moving_[sending.device];
  moving.device.step(sending.due - moving.at);
  moving.at = sending.due;
  moving.device.signals_of(sending.message, values_);
  const std::optional<CanFrame> encoded = encoder_.encode(plan_of(model_)[sending.message].name, values_);
  ENSURE(encoded.has_value());  // it could when the sending was scheduled
  CanFrame frame = *encoded;
  ENSURE(frame.bus < buses_per_device_);
  frame.bus = static_cast<std::uint16_t>(sending.device * buses_per_device_ + frame.bus);
  frame.time = *start_ + sending.due;
  return frame;
}

}  // namespace outrider
