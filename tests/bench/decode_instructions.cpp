// SPDX-License-Identifier: Apache-2.0
// Decodes frames of a DBC file, so that callgrind can count: decode_instructions FILE.dbc FRAMES
//
// Prints "frames N signals S". Instructions per signal come from two runs, so that loading the file cancels out:
// (instructions(2N) - instructions(N)) / (signals(2N) - signals(N)). At least FRAMES frames are decoded, in whole
// rounds of one frame of each message that has signals, with a fixed payload of its declared length.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "agent/decode/dbc.h"
#include "agent/decode/decoder.h"
#include "tests/bench/dbc_frames.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: decode_instructions FILE.dbc FRAMES\n", stderr);
    return 2;
  }
  const auto loaded = outrider::load_dbc(argv[1]);
  if (!loaded) {
    std::fprintf(stderr, "%s\n", loaded.error().text.c_str());
    return 3;
  }
  const auto dbc = std::make_shared<const outrider::Dbc>(*loaded);
  const std::vector<outrider::CanFrame> frames = outrider::frames_of(*dbc);
  if (frames.empty()) {
    std::fprintf(stderr, "%s: no message with signals\n", argv[1]);
    return 3;
  }
  outrider::Decoder decoder({dbc}, outrider::IdMatching::kAuto,
                            [](const outrider::DbcMessage&, const outrider::DbcSignal&) { return true; });
  const std::size_t rounds = (std::strtoul(argv[2], nullptr, 10) + frames.size() - 1) / frames.size();
  std::size_t signals = 0;
  for (std::size_t i = 0; i < rounds; ++i)
    for (const outrider::CanFrame& frame : frames) signals += decoder.decode(frame).values.size();
  std::printf("frames %zu signals %zu\n", rounds * frames.size(), signals);
  return 0;
}
