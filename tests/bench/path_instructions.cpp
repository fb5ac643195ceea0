// SPDX-License-Identifier: Apache-2.0
// The path from a frame to an encoded row, so that callgrind can count: path_instructions default|all|FILE.dbc FRAMES
//
// Prints "frames N kept K". Instructions per kept sample come from two runs, so that starting up cancels out; the frames
// are made before, in both runs equally many. "default": a simulated vehicle, every signal on change, at most 10 per
// second; "all": every change; a DBC file: frames of all its messages in which everything changes, and all is kept.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/bench/path_rig.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: path_instructions default|all|FILE.dbc FRAMES\n", stderr);
    return 2;
  }
  using namespace outrider;
  constexpr std::size_t kMostFrames = 100'000;
  const std::string_view what = argv[1];
  const bool is_simulated = what == "default" || what == "all";
  auto dbc = is_simulated ? Result<Dbc>(PathRig::simulated_vehicle()) : load_dbc(argv[1]);
  if (!dbc) {
    std::fprintf(stderr, "%s\n", dbc.error().text.c_str());
    return 3;
  }
  PathRig rig(milliseconds(what == "default" ? 100 : 0), std::move(*dbc));
  std::vector<CanFrame> frames = is_simulated ? simulated_frames(rig.files, kMostFrames)
                                              : changing_frames(*rig.files.front().front(), kMostFrames);
  frames.resize(std::min<std::size_t>(std::strtoul(argv[2], nullptr, 10), kMostFrames));
  rig.take(frames);
  std::printf("frames %zu kept %llu\n", frames.size(), static_cast<unsigned long long>(rig.kept()));
  return 0;
}
