// SPDX-License-Identifier: Apache-2.0
// A backlog sent to a broker by the agent's outbox and publisher, and as many messages of the same size by the shortest
// loop around Paho that one could write, in turn, three rounds: drain_bench PORT [ROWS [ROW_BYTES [MAX_MESSAGE]]]
//
// The agent's time includes reading rows, building messages, and deleting what was acknowledged with synchronous=FULL;
// it ends when the store is empty on disk. Prints "outrider B plain B window N message N": bytes per second, medians.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "agent/base/bell.h"
#include "agent/base/log.h"
#include "agent/publish/publisher.h"
#include "platform/linux/clock.h"
#include "platform/paho/paho_broker.h"
#include "tests/bench/plain_paho.h"
#include "tests/support/memory_file.h"

namespace {

using namespace outrider;

constexpr std::size_t kRounds = 3;

struct Drained {
  double seconds = 0;
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
};

void fill(Outbox& outbox, StreamIndex stream, int rows, std::size_t row_bytes) {
  const std::uint32_t boot = outbox.boot("bench");
  const std::string payload = "\"signals\":{}" + std::string(row_bytes, ' ');
  for (int i = 0; i < rows; ++i) {
    if (!outbox.append(stream, {.samples = 1, .boot = boot, .payload = payload})) std::abort();
    if (i % 64 == 63 && !outbox.commit()) std::abort();
  }
  if (!outbox.commit()) std::abort();
}

Drained drain(std::uint16_t port, std::uint32_t window, int rows, std::size_t row_bytes,
              std::uint32_t max_message) {
  const std::filesystem::path directory = "drain_bench_state";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  MemoryFile epoch;
  auto outbox = std::move(
      *Outbox::open({.path = (directory / "outrider.db").string(), .max_bytes = 4ULL << 30}, epoch));
  const StreamIndex stream = *outbox->stream("bench", Channel::kTelemetry);
  fill(*outbox, stream, rows, row_bytes);

  Bell bell;
  PahoBroker broker(bell);
  LinuxClock clock;
  PublishConfig config;
  config.client_id = "drain";
  config.brokers = {{.host = "127.0.0.1", .port = port}};
  config.max_in_flight = window;
  config.max_message = max_message;
  Publisher publisher({.config = config, .seed = 1}, *outbox, broker);
  while (publisher.counters().connects == 0) {
    publisher.advance(clock.now());
    if (publisher.counters().connects == 0) bell.wait(milliseconds(50));
  }
  const BootTime start = clock.now();
  while (outbox->backlog(stream).rows > 0) {
    if (outbox->is_commit_due(clock.now()) && !outbox->commit()) std::abort();
    publisher.advance(clock.now());
    if (outbox->backlog(stream).rows > 0) bell.wait(milliseconds(50));
  }
  if (!outbox->commit()) std::abort();
  const std::chrono::duration<double> taken = clock.now() - start;
  const PublisherCounters& counters = publisher.counters();
  broker.disconnect(true);
  outbox.reset();
  std::filesystem::remove_all(directory);
  return {.seconds = taken.count(), .bytes = counters.payload_bytes, .messages = counters.messages};
}

double median(std::array<double, kRounds> values) {
  std::sort(values.begin(), values.end());
  return values[kRounds / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: drain_bench PORT [ROWS [ROW_BYTES [MAX_MESSAGE]]]\n", stderr);
    return 2;
  }
  constexpr std::uint32_t kWindow = 20;  // mosquitto's Receive Maximum as it is installed
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const int rows = argc > 2 ? std::atoi(argv[2]) : 40'000;
  const std::size_t row_bytes = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 4000;
  const auto max_message = static_cast<std::uint32_t>(argc > 4 ? std::atoi(argv[4]) : 64 << 10);
  set_log_level(LogLevel::kError);
  std::array<double, kRounds> outrider{};
  std::array<double, kRounds> plain{};
  std::size_t message_bytes = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const Drained drained = drain(port, kWindow, rows, row_bytes, max_message);
    message_bytes = drained.bytes / drained.messages;
    outrider.at(round) = static_cast<double>(drained.bytes) / drained.seconds;
    const PublishLoad load{
        .port = port, .window = kWindow, .payload_bytes = message_bytes, .count = drained.messages};
    plain.at(round) = static_cast<double>(load.payload_bytes * load.count) / plain_paho_seconds(load);
  }
  std::printf("outrider %.0f plain %.0f window %u message %zu\n", median(outrider), median(plain), kWindow,
              message_bytes);
  return 0;
}
