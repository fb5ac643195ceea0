// SPDX-License-Identifier: Apache-2.0
// Messages and bytes per second of a plain Paho loop and of PahoBroker, in turn, against one broker on the loopback,
// whose Receive Maximum should not be below the window.
//   plain_paho PORT [WINDOW [PAYLOAD_BYTES [COUNT [ROUNDS]]]]
#include "tests/bench/plain_paho.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/base/bell.h"
#include "platform/paho/paho_broker.h"

namespace outrider {
namespace {

using Kind = BrokerEvent::Kind;

/// The loop of a publisher: fill the window, wait at the bell, take what came.
double adapter_seconds(const PublishLoad& load) {
  Bell bell;
  PahoBroker broker(bell);
  ConnectRequest request;
  request.address = {.host = "127.0.0.1", .port = load.port, .is_secure = false};
  request.client_id = "adapter";
  request.max_in_flight = static_cast<std::uint32_t>(load.window);
  std::vector<BrokerEvent> events;
  if (!broker.connect(request)) throw std::runtime_error("not connected");
  while (events.empty()) {
    bell.wait(seconds(10));
    broker.take_events(events);
  }
  if (events.front().kind != Kind::kConnected) throw std::runtime_error(events.front().text);

  const std::string payload(load.payload_bytes, 'x');
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t next = 1;
  for (std::uint64_t acknowledged = 0; acknowledged < load.count;) {
    const Publication message{
        .token = next, .topic = "bench/adapter", .payload = payload, .content_type = {}};
    if (next <= load.count && broker.publish(message)) {
      ++next;
      continue;
    }
    bell.wait(seconds(1));
    events.clear();
    broker.take_events(events);
    for (const BrokerEvent& event : events) {
      if (event.kind != Kind::kAcknowledged) throw std::runtime_error(event.text);
      ++acknowledged;
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  broker.disconnect(true);
  return taken.count();
}

double cpu_seconds() {
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

template <class Run>
void measure(const char* name, const PublishLoad& load, Run run) {
  const double cpu_before = cpu_seconds();
  const double taken = run(load);
  const double cpu = cpu_seconds() - cpu_before;
  const auto count = static_cast<double>(load.count);
  std::printf("%-10s %9.0f messages/s %8.2f MB/s %7.2f us CPU/message\n", name, count / taken,
              count * static_cast<double>(load.payload_bytes) / taken * 1e-6, cpu / count * 1e6);
  (void)std::fflush(stdout);
}

void run(const std::vector<std::string>& arguments) {
  const auto number = [&arguments](std::size_t index, std::uint64_t otherwise) {
    return index < arguments.size() ? std::stoull(arguments[index]) : otherwise;
  };
  PublishLoad load;
  load.port = static_cast<std::uint16_t>(number(0, load.port));
  load.window = number(1, load.window);
  load.payload_bytes = number(2, load.payload_bytes);
  load.count = number(3, load.count);
  for (std::uint64_t round = number(4, 3); round > 0; --round) {
    measure("plain Paho", load, plain_paho_seconds);
    measure("PahoBroker", load, adapter_seconds);
  }
}

}  // namespace
}  // namespace outrider

int main(int argc, char** argv) {
  try {
    outrider::run({argv + 1, argv + argc});
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plain_paho: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
