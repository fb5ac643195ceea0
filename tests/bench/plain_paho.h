// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mqtt/async_client.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace outrider {

struct PublishLoad {
  std::uint16_t port = 1883;  ///< Of a broker on the loopback.
  std::size_t window = 100;   ///< Messages in flight.
  std::size_t payload_bytes = 200;
  std::uint64_t count = 100'000;
};

/// Counts acknowledgements; the publisher waits here while the window is full.
class PlainPahoWindow final : public mqtt::iaction_listener {
 public:
  explicit PlainPahoWindow(std::size_t size) : size_(size) {}

  void wait_for_room() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return in_flight_ < size_; });
    ++in_flight_;
  }
  void wait_until_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return in_flight_ == 0; });
  }

  void on_success(const mqtt::token&) override { finish_one(); }
  void on_failure(const mqtt::token&) override { finish_one(); }

 private:
  void finish_one() {
    {
      const std::lock_guard lock(mutex_);
      --in_flight_;
    }
    changed_.notify_one();
  }

  const std::size_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t in_flight_ = 0;  // guarded by mutex_
};

/// Seconds that a plain Paho C++ loop takes to publish the load with QoS 1, MQTT 5, straight to the broker: the yardstick
/// for our adapter. Throws what Paho throws.
inline double plain_paho_seconds(const PublishLoad& load) {
  mqtt::create_options create(MQTTVERSION_5);
  create.set_max_buffered_messages(static_cast<int>(2 * load.window));
  PlainPahoWindow window(load.window);
  mqtt::async_client client("tcp://127.0.0.1:" + std::to_string(load.port), "plain-paho", create, nullptr);
  mqtt::connect_options options;
  options.set_mqtt_version(MQTTVERSION_5);
  options.set_clean_start(true);
  options.set_max_inflight(static_cast<int>(load.window));
  client.connect(options)->wait();

  const std::string payload(load.payload_bytes, 'x');
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < load.count; ++i) {
    window.wait_for_room();
    client.publish("bench/plain", payload.data(), payload.size(), 1, false, nullptr, window);
  }
  window.wait_until_empty();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  client.disconnect(0)->wait_for(std::chrono::seconds(5));
  return taken.count();
}

}  // namespace outrider
