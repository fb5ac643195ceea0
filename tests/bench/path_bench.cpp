// SPDX-License-Identifier: Apache-2.0
// Frame to encoded row, with the selection that is the default and with one that keeps every change.
#include <benchmark/benchmark.h>

#include "tests/bench/path_rig.h"

namespace {

void frame_to_row(benchmark::State& state) {
  constexpr std::size_t kFrames = 20'000;
  const outrider::milliseconds min_interval(state.range(0));
  const auto frames = outrider::simulated_frames(outrider::PathRig(min_interval).files, kFrames);
  std::uint64_t kept = 0;
  for (auto _ : state) {
    state.PauseTiming();
    outrider::PathRig rig(min_interval);
    state.ResumeTiming();
    rig.take(frames);
    kept += rig.kept();
  }
  state.counters["frames"] = benchmark::Counter(
      static_cast<double>(kFrames) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["kept"] = benchmark::Counter(static_cast<double>(kept), benchmark::Counter::kIsRate);
}
BENCHMARK(frame_to_row)->ArgName("min_interval_ms")->Arg(100)->Arg(0)->Unit(benchmark::kMillisecond);

}  // namespace
