// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/log_port.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "platform/simulated/log_clock.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/platform/temporary_file.h"

namespace outrider {
namespace {

/// Just enough of the candump format: "(seconds.microseconds) interface id#data", "##" for CAN FD.
/// "lost N interface": so many frames went missing.
std::optional<LogFrame> parse(std::string_view line) {
  unsigned lost = 0;
  char missed[17] = "";
  if (std::sscanf(std::string(line).c_str(), "lost %u %16s", &lost, missed) == 2)
    return LogFrame{.frame = {}, .interface = line.substr(line.rfind(' ') + 1), .lost = lost};
  long long whole = 0;
  long long micro = 0;
  char interface[17] = "";
  unsigned id = 0;
  int at = 0;
  const std::string text(line);
  if (std::sscanf(text.c_str(), "(%lld.%6lld) %n%16s %x#", &whole, &micro, &at, interface, &id) != 4) {
    return std::nullopt;
  }
  LogFrame read;
  read.frame.time = BootTime(seconds(whole) + std::chrono::microseconds(micro));
  read.frame.id = id;
  if (text.find("##") != std::string::npos) read.frame.flags = CanFrame::kFd;
  read.interface = line.substr(static_cast<std::size_t>(at), std::string_view(interface).size());
  return read;
}

/// A port on a manual clock, whose waits turn the clock.
struct Bench {
  Bench(const std::string& text, std::vector<std::string> buses, std::optional<double> speed) : file(text) {
    Result<std::unique_ptr<LogPort>> opened =
        LogPort::open({file.path(), std::move(buses), speed}, parse, clock, [this](nanoseconds length) {
          CHECK(length > nanoseconds::zero());
          ++waits;
          waited += length;
          clock.advance(length);
        });
    REQUIRE(opened);
    port = std::move(*opened);
  }

  std::vector<CanFrame> receive_all() {
    std::vector<CanFrame> frames;
    while (true) {
      const Result<CanPort::Feed> feed = port->receive(frames, milliseconds(100));
      REQUIRE(feed);
      if (*feed == CanPort::Feed::kEnded) return frames;
    }
  }

  /// The pause after the last batch may be part of it.
  bool has_waited(nanoseconds length) const { return waited >= length && waited <= length + kShortestWait; }

  TemporaryFile file;
  ManualClock clock;
  int waits = 0;
  nanoseconds waited{};
  std::unique_ptr<LogPort> port;
};

std::string line(double stamp_s, const std::string& interface = "can0", unsigned id = 0x123) {
  char text[96];
  std::snprintf(text, sizeof text, "(%.6f) %s %03X#0102\n", stamp_s, interface.c_str(), id);
  return text;
}

}  // namespace

TEST_CASE("log port: frames keep the log's stamps, flags and order, and junk is counted") {
  Bench bench("# recorded on a Tuesday\n" + line(1436509052.249713, "can0", 1) +
                  "\nnot a frame at all\n(1436509052.260000) can0 002##1112233\r\n" + std::string(5000, 'z') +
                  "\n" + line(1436509052.3, "can0", 3).substr(0, 30),
              {"can0"}, std::nullopt);
  const std::vector<CanFrame> frames = bench.receive_all();
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].time == BootTime(std::chrono::microseconds(1436509052249713)));
  CHECK(frames[0].id == 1);
  CHECK(frames[1].id == 2);
  CHECK(frames[1].is(CanFrame::kFd));
  CHECK(frames[2].id == 3);
  const LogCounters counters = bench.port->counters();
  CHECK(counters.lines == 7);
  CHECK(counters.frames == 3);
  CHECK(counters.junk_lines == 2);
  CHECK(counters.unknown_interfaces == 0);
  CHECK(bench.waits == 0);
}

TEST_CASE("log port: frames that the log reports as lost are overruns of their bus") {
  Bench bench("(1.0) can0 123#11\nlost 5 can1\n(1.1) can1 124#11\nlost 2 can1\nlost 9 can7\n",
              {"can0", "can1"}, {});
  CHECK(bench.receive_all().size() == 2);
  CHECK(bench.port->overruns(0) == 0);
  CHECK(bench.port->overruns(1) == 7);
}

TEST_CASE("log port: interfaces are mapped by name and unknown ones are counted and left out") {
  Bench bench(line(1, "can1", 1) + line(2, "can7", 2) + line(3, "can0", 3) + line(4, "can1", 4),
              {"can0", "can1"}, std::nullopt);
  const std::vector<CanFrame> frames = bench.receive_all();
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].bus == 1);
  CHECK(frames[1].bus == 0);
  CHECK(frames[2].bus == 1);
  CHECK(bench.port->counters().unknown_interfaces == 1);
}

TEST_CASE("log port: a single bus takes a log that was recorded under other names") {
  Bench bench(line(1, "vcan0", 1) + line(2, "slcan3", 2), {"can0"}, std::nullopt);
  CHECK(bench.receive_all().size() == 2);
  CHECK(bench.port->counters().unknown_interfaces == 0);
}

TEST_CASE("log port: a single bus that the log mentions takes only its own frames") {
  Bench bench(line(1, "can1", 1) + line(2, "can0", 2) + line(3, "can1", 3), {"can0"}, std::nullopt);
  const std::vector<CanFrame> frames = bench.receive_all();
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].id == 2);
  CHECK(bench.port->counters().unknown_interfaces == 2);
}

TEST_CASE("log port: at speed 1 a frame comes when it came, at speed 2 in half the time") {
  for (const double speed : {1.0, 2.0, 0.5}) {
    CAPTURE(speed);
    Bench bench(line(100, "can0", 1) + line(100.02, "can0", 2) + line(103, "can0", 3), {"can0"}, speed);
    bench.clock.advance(seconds(77));  // the program took its time to start
    const BootTime start = bench.clock.now();
    std::vector<CanFrame> frames;
    while (frames.size() < 3) {
      const std::size_t before = frames.size();
      REQUIRE(bench.port->receive(frames, milliseconds(100)));
      if (frames.size() == before) continue;
      const auto after = std::chrono::duration<double>(bench.clock.now() - start).count() * speed;
      const auto stamp = std::chrono::duration<double>(frames.back().time.time_since_epoch()).count();
      CHECK(after == doctest::Approx(stamp - 100).epsilon(1e-6));
    }
  }
}

TEST_CASE("log port: a gap is waited for in pieces, so that the caller can be stopped") {
  Bench bench(line(0) + line(3600), {"can0"}, 1);
  std::vector<CanFrame> frames;
  REQUIRE(bench.port->receive(frames, milliseconds(100)));
  REQUIRE(frames.size() == 1);
  const BootTime before = bench.clock.now();
  const Result<CanPort::Feed> feed = bench.port->receive(frames, milliseconds(100));
  REQUIRE(feed);
  CHECK(*feed == CanPort::Feed::kOpen);
  CHECK(frames.size() == 1);
  CHECK(bench.clock.now() - before == milliseconds(100));
  CHECK(bench.receive_all().size() == 1);
  CHECK(bench.has_waited(seconds(3600)));
}

TEST_CASE("log port: sixteen thousand frames a second cost two hundred wake-ups") {
  std::string text;
  for (int i = 0; i < 16'000; ++i) text += line(i / 16'000.0);
  Bench bench(text, {"can0"}, 1);
  CHECK(bench.receive_all().size() == 16'000);
  CHECK(bench.waits <= 201);
}

TEST_CASE("log port: as fast as possible still means bounded batches") {
  std::string text;
  for (int i = 0; i < 2500; ++i) text += line(i);
  Bench bench(text, {"can0"}, std::nullopt);
  std::vector<CanFrame> frames;
  REQUIRE(bench.port->receive(frames, milliseconds(100)));
  CHECK(frames.size() == 1000);
  CHECK(bench.receive_all().size() == 1500);
  CHECK(bench.waits == 0);
}

TEST_CASE("log port: stamps that step back are kept, counted, and never waited for") {
  Bench bench(line(10, "can0", 1) + line(9.999, "can0", 2) + line(10.1, "can0", 3), {"can0"}, 1);
  const std::vector<CanFrame> frames = bench.receive_all();
  REQUIRE(frames.size() == 3);
  CHECK(frames[1].time == BootTime(std::chrono::microseconds(9'999'000)));
  CHECK(bench.port->counters().steps_back == 1);
  CHECK(bench.has_waited(milliseconds(100)));
}

TEST_CASE("log port: a log that begins anew inside is paced from there") {
  Bench bench(line(1000) + line(1001) + line(5) + line(7), {"can0"}, 1);
  CHECK(bench.receive_all().size() == 4);
  CHECK(bench.has_waited(seconds(3)));
  CHECK(bench.port->counters().steps_back == 1);
}

TEST_CASE("log port: an empty log and one of junk alone end at once") {
  Bench empty("", {"can0"}, 1);
  CHECK(empty.receive_all().empty());
  std::string junk;
  for (int i = 0; i < 20'000; ++i) junk += "this is not a log\n";
  Bench bench(junk, {"can0"}, 1);
  CHECK(bench.receive_all().empty());
  CHECK(bench.port->counters().junk_lines == 20'000);
  CHECK_FALSE(bench.port->first_stamp());
}

TEST_CASE("log port: a pipe may fall silent, and its frames come when they come") {
  const TemporaryFile placeholder("");
  const std::string fifo = placeholder.beside("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::FILE* writer = nullptr;
  std::thread opener([&] {
    writer = std::fopen(fifo.c_str(), "w");  // waits for the reader
    if (writer == nullptr) return;
    const std::string half = line(1).substr(0, 10);
    std::fputs(half.c_str(), writer);
    std::fflush(writer);
  });
  const ManualClock clock;
  Result<std::unique_ptr<LogPort>> port = LogPort::open({fifo, {"can0"}, std::nullopt}, parse, clock);
  opener.join();
  REQUIRE(port);
  REQUIRE(writer != nullptr);

  std::vector<CanFrame> frames;
  Result<CanPort::Feed> feed = (*port)->receive(frames, milliseconds(1));
  REQUIRE(feed);
  CHECK(*feed == CanPort::Feed::kOpen);
  CHECK(frames.empty());

  std::fputs((line(1).substr(10) + line(1)).c_str(), writer);
  std::fclose(writer);
  while (*feed == CanPort::Feed::kOpen) {
    feed = (*port)->receive(frames, milliseconds(1000));
    REQUIRE(feed);
  }
  CHECK(frames.size() == 2);
}

TEST_CASE("log clock: the log's name is the boot, and stamps of this century are UTC") {
  ManualClock real;
  Bench absolute(line(1436509052), {"can0"}, std::nullopt);
  const LogClock clock(real, *absolute.port, "recordings/drive.log");
  CHECK(clock.sample_reference().boot_id == "log:drive.log");
  CHECK(clock.sample_reference().offset == nanoseconds(0));
  CHECK(clock.sample_reference().is_synced);
  CHECK(clock.now() == real.now());
  CHECK(clock.wall_now() == real.wall_now());
  CHECK(LogClock(real, *absolute.port, "-").sample_reference().boot_id == "log:stdin");

  Bench relative(line(166), {"can0"}, std::nullopt);
  const LogClock relative_clock(real, *relative.port, "drive.log");
  CHECK_FALSE(relative_clock.sample_reference().is_synced);
  CHECK(relative_clock.sample_reference().boot_id == "log-relative:drive.log");
}

}  // namespace outrider
