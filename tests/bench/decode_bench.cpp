// SPDX-License-Identifier: Apache-2.0
// Signals and log bytes a second on one core. Reads the corpus file when it lies beside the project, else our own DBC.
// Run from the project's root.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/decode/candump.h"
#include "agent/decode/dbc.h"
#include "agent/decode/decoder.h"
#include "tests/bench/dbc_frames.h"

namespace {

using namespace outrider;

constexpr const char* kCorpusFile = "../shared/corpora/dbc/acura_ilx_2016_nidec.dbc";
constexpr const char* kOwnFile = "config/outrider_vehicle.dbc";

std::shared_ptr<const Dbc> bench_dbc() {
  auto loaded = load_dbc(std::filesystem::exists(kCorpusFile) ? kCorpusFile : kOwnFile);
  return loaded ? std::make_shared<const Dbc>(std::move(*loaded)) : nullptr;
}

void decode_frames(benchmark::State& state) {
  const auto dbc = bench_dbc();
  if (dbc == nullptr) return state.SkipWithError("no DBC file; run from the project's root");
  const std::vector<CanFrame> frames = frames_of(*dbc);
  Decoder decoder({dbc}, IdMatching::kAuto, [](const DbcMessage&, const DbcSignal&) { return true; });
  std::size_t signals = 0;
  while (state.KeepRunning())
    for (const CanFrame& frame : frames) {
      const DecodedFrame decoded = decoder.decode(frame);
      benchmark::DoNotOptimize(decoded.values.data());
      signals += decoded.values.size();
    }
  state.SetItemsProcessed(static_cast<std::int64_t>(signals));
  state.SetLabel(dbc->name + ", items are signals");
}
BENCHMARK(decode_frames);

void parse_candump(benchmark::State& state) {
  const std::string line = "(1745600961.335462) can0 11FC1063#003DFFFF02000100";
  while (state.KeepRunning()) {
    auto parsed = parse_candump_line(line);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
}
BENCHMARK(parse_candump);

}  // namespace
