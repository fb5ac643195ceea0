// SPDX-License-Identifier: Apache-2.0
// What a time without network takes on the disk, and what each setting writes to the flash:
//   autonomy_bench DIRECTORY vehicle|FILE.dbc MINUTES COMMIT_INTERVAL_MS offline|live|memory
//
// vehicle   the simulated vehicle on one bus. FILE.dbc: two buses at 8 000 frames/s each, all messages of the file in
//           turn, in which every signal changes all the time. Selection as shipped: at most 10 changes per second and
//           signal.
// offline   nothing is acknowledged; live: every row as soon as it is readable; memory: the same with keep_in_memory 30 s.
// Simulated time runs as fast as the machine can.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/bench/path_rig.h"

namespace outrider {
namespace {

constexpr int kFramesPerSecond = 16'000;

struct Plan {
  std::string directory;
  std::string dbc;  ///< Of the full buses; empty: the simulated vehicle.
  std::int64_t minutes = 0;
  milliseconds commit_interval{500};
  std::string link;
};

class Trial {
 public:
  explicit Trial(const Plan& plan)
      : plan_(plan),
        files_{{load(plan.dbc)}},
        encoder_(files_.front()),
        bus_({.seed = 1, .length = std::nullopt}, encoder_, clock_,
             [this](nanoseconds length) { clock_.advance(length); }),
        changing_(changing_frames(*files_.front().front(), kFramesPerSecond)) {
    Config config;
    config.vehicle_id = "bench";
    config.buses = {{.name = "can0", .dbc = {}}};
    if (is_full()) {
      config.buses.push_back({.name = "can1", .dbc = {}});
      files_.push_back(files_.front());
    }
    config.signals = {SignalRule{}};
    config.buffer.commit_interval = plan.commit_interval;
    OutboxOptions options;
    options.path = plan.directory + "/autonomy.db";
    options.max_bytes = 1ULL << 40U;
    options.commit_interval = plan.commit_interval;
    options.max_staged_bytes = 64U << 20U;
    if (plan.link == "memory") options.memory_window = seconds(30);
    outbox_ = std::move(*Outbox::open(options, epoch_));
    streams_ = {*outbox_->stream("bench", Channel::kTelemetry), *outbox_->stream("bench", Channel::kEvents)};
    lane_ = std::make_unique<Lane>("bench", config, files_, *outbox_, streams_);
    boot_ = outbox_->boot("bench");
  }

  void run() {
    const BootTime end = clock_.now() + std::chrono::minutes(plan_.minutes);
    while (clock_.now() < end) {
      frames_.clear();
      is_full() ? make_full() : static_cast<void>(bus_.receive(frames_, milliseconds(50)));
      lane_->begin_turn(boot_, clock_.now());
      for (const CanFrame& frame : frames_) lane_->take(frame.bus, frame);
      lane_->end_turn();
      count_ += frames_.size();
      if (outbox_->is_commit_due(clock_.now())) ENSURE(outbox_->commit());
      if (plan_.link != "offline") deliver();
    }
    lane_->finish();
    ENSURE(outbox_->commit());
  }

  void report(double real_seconds) const {
    const Ledger ledger = outbox_->ledger(streams_.telemetry);
    const StoreHealth health = outbox_->health();
    const double days = static_cast<double>(plan_.minutes) / 1440;
    const auto per_sample = [&](std::uint64_t bytes) {
      return static_cast<double>(bytes) / static_cast<double>(ledger.sampled);
    };
    std::printf(
        "%s %s, commit every %lld ms: %lld min simulated in %.1f s (%.0f times real time), %.0f frames/s, "
        "%.0f "
        "samples/s, disk %.2f B/sample, %.2f GiB in 72 h; written to flash %.2f B/sample, %.2f GB/day, %.0f "
        "syncs/min\n",
        is_full() ? "two full buses" : "simulated vehicle", plan_.link.c_str(),
        static_cast<long long>(plan_.commit_interval.count()), static_cast<long long>(plan_.minutes),
        real_seconds, static_cast<double>(plan_.minutes) * 60 / real_seconds,
        static_cast<double>(count_) / static_cast<double>(plan_.minutes * 60),
        static_cast<double>(ledger.sampled) / static_cast<double>(plan_.minutes * 60),
        per_sample(health.used_bytes), static_cast<double>(health.used_bytes) * 3 / days / (1U << 30U),
        per_sample(health.written_bytes), static_cast<double>(health.written_bytes) / days / 1e9,
        static_cast<double>(health.syncs) / static_cast<double>(plan_.minutes));
  }

 private:
  static std::shared_ptr<const Dbc> load(const std::string& path) {
    if (path.empty()) return std::make_shared<const Dbc>(PathRig::simulated_vehicle());
    Result<Dbc> loaded = load_dbc(path);
    ENSURE(loaded);
    return std::make_shared<const Dbc>(std::move(*loaded));
  }
  bool is_full() const { return !plan_.dbc.empty(); }

  /// A twentieth of a second of both buses.
  void make_full() {
    constexpr int kFrames = kFramesPerSecond / 20;
    const BootTime start = clock_.now();
    for (int i = 0; i < kFrames; ++i) {
      CanFrame frame = changing_[next_++ % changing_.size()];
      frame.time = start + milliseconds(50) * i / kFrames;
      frame.bus = static_cast<std::uint16_t>(next_ / messages_ % 2);
      frames_.push_back(frame);
    }
    clock_.advance(milliseconds(50));
  }

  void deliver() {
    outbox_->set_live(true);
    rows_.clear();
    ENSURE(outbox_->read(streams_.telemetry, 0, 1U << 20U, 1000, rows_));
    if (rows_.empty()) return;
    outbox_->note_sent(streams_.telemetry, rows_.back().through);
    outbox_->acknowledge(streams_.telemetry, rows_.back().through);
  }

  const Plan plan_;
  ManualClock clock_;
  MemoryFile epoch_;
  BusFiles files_;
  const DbcFrameEncoder encoder_;
  SimulatedBus bus_;
  const std::vector<CanFrame> changing_;
  const std::size_t messages_ = frames_of(*files_.front().front()).size();
  std::size_t next_ = 0;
  std::unique_ptr<Outbox> outbox_;
  Lane::Streams streams_{};
  std::unique_ptr<Lane> lane_;
  std::uint32_t boot_ = 0;
  std::vector<CanFrame> frames_;
  std::vector<Row> rows_;
  std::uint64_t count_ = 0;
};

}  // namespace
}  // namespace outrider

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs(
        "usage: autonomy_bench DIRECTORY vehicle|FILE.dbc MINUTES COMMIT_INTERVAL_MS offline|live|memory\n",
        stderr);
    return 2;
  }
  outrider::Trial trial({.directory = argv[1],
                         .dbc = std::strcmp(argv[2], "vehicle") == 0 ? "" : argv[2],
                         .minutes = std::strtol(argv[3], nullptr, 10),
                         .commit_interval = outrider::milliseconds(std::strtol(argv[4], nullptr, 10)),
                         .link = argv[5]});
  const auto start = std::chrono::steady_clock::now();
  trial.run();
  trial.report(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return 0;
}
