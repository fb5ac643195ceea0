// SPDX-License-Identifier: Apache-2.0
// The path from a frame to an encoded row, so that callgrind can count: path_instructions all|default FRAMES
//
// Prints "frames N kept K". Instructions per kept sample come from two runs, so that starting up cancels out; the frames
// are made before, in both runs equally many. "default": every signal on change, at most 10 per second; "all": every
// change.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/bench/path_rig.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: path_instructions all|default FRAMES\n", stderr);
    return 2;
  }
  constexpr std::size_t kMostFrames = 100'000;
  const bool keeps_all = std::string_view(argv[1]) == "all";
  const std::size_t count = std::min<std::size_t>(std::strtoul(argv[2], nullptr, 10), kMostFrames);
  outrider::PathRig rig(outrider::milliseconds(keeps_all ? 0 : 100));
  std::vector<outrider::CanFrame> frames = outrider::simulated_frames(rig.files, kMostFrames);
  frames.resize(count);
  rig.take(frames);
  std::printf("frames %zu kept %llu\n", count, static_cast<unsigned long long>(rig.kept()));
  return 0;
}
