// SPDX-License-Identifier: Apache-2.0
#include "agent/command/decode.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace outrider {
namespace {

constexpr const char* kVehicle = R"(VERSION ""
BU_: ECU

BO_ 496 ENGINE: 8 ECU
 SG_ SPEED : 7|16@0+ (0.1,0) [0|0] "km/h" XXX
 SG_ GEAR : 16|8@1- (1,0) [0|0] "" XXX
)";

constexpr const char* kTruck = R"(VERSION ""
BU_: ECU

BO_ 2364540158 EEC1: 8 ECU
 SG_ EngineSpeed : 24|16@1+ (0.125,0) [0|8031.875] "rpm" XXX
 SG_ TorqueMode : 0|4@1+ (1,0) [0|15] "" XXX

BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "VFrameFormat" "J1939PG";
BA_ "VFrameFormat" BO_ 2364540158 3;
)";

/// A folder for the files of one case, gone with it.
class Folder {
 public:
  Folder() {
    const std::string stem = (std::filesystem::temp_directory_path() / "outrider-decode-").string();
    for (int i = 0; path_.empty() || !std::filesystem::create_directory(path_); ++i)
      path_ = stem + std::to_string(i);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

 private:
  std::string path_;
};

struct Outcome {
  int code = 0;
  std::string out, err;
};

std::string contents(std::FILE* file) {
  std::string text;
  std::array<char, 4096> buffer{};
  std::rewind(file);
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file))
    text.append(buffer.data(), count);
  return text;
}

Outcome decode(const DecodeArguments& arguments, std::istream& input, const std::atomic<bool>& stop) {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  const File out(std::tmpfile(), std::fclose);
  const File err(std::tmpfile(), std::fclose);
  REQUIRE(out != nullptr);
  REQUIRE(err != nullptr);
  const int code = run_decode(arguments, input, out.get(), err.get(), stop);
  return {code, contents(out.get()), contents(err.get())};
}

Outcome decode(const DecodeArguments& arguments, const std::string& input = "") {
  const std::atomic<bool> stop = false;
  std::istringstream stream(input);
  return decode(arguments, stream, stop);
}

/// A log whose lines never end, or never begin; sets `stop` after a while.
class EndlessLog : public std::streambuf {
 public:
  EndlessLog(std::string block, std::atomic<bool>& stop) : block_(std::move(block)), stop_(stop) {}

 protected:
  int_type underflow() override {
    if (++blocks_ == kBlocks) stop_ = true;
    if (blocks_ > 2 * kBlocks) return traits_type::eof();  // so that a failing test ends
    setg(block_.data(), block_.data(), block_.data() + block_.size());
    return traits_type::to_int_type(block_.front());
  }

 private:
  static constexpr int kBlocks = 1000;
  std::string block_;
  std::atomic<bool>& stop_;
  int blocks_ = 0;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("decode command: every matched frame is one line with the log's own time digits") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.write("vehicle.dbc", kVehicle), folder.write("truck.dbc", kTruck)};
  const Outcome outcome = decode(arguments,
                                 "(1745600961.335462) can0 1F0#0003FF\n"
                                 "(0000000007.000000001) can1 0CF00421#FDFFFF6813FFFFFF T\n"
                                 "(2.5) can0 123#00\n");
  CHECK(outcome.code == kExitFine);
  CHECK(outcome.out ==
        "{\"time\":1745600961.335462,\"bus\":\"can0\",\"id\":\"1F0\",\"message\":\"ENGINE\","
        "\"signals\":{\"SPEED\":0.3,\"GEAR\":-1}}\n"
        "{\"time\":7.000000001,\"bus\":\"can1\",\"id\":\"0CF00421\",\"pgn\":61444,\"source\":33,"
        "\"message\":\"EEC1\",\"signals\":{\"EngineSpeed\":621,\"TorqueMode\":13}}\n");
  CHECK(has(outcome.err, "3 frames, 2 matched"));
}

TEST_CASE("decode command: absent signals are left out and the summary counts why") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.write("truck.dbc", kTruck), folder.write("vehicle.dbc", kVehicle)};
  arguments.log = folder.write("drive.log",
                               "(1.000000) can0 0CF00400#FFFFFFFFFFFFFFFF\r\n"
                               "(1.000000) can0 1F0#00\r\n"
                               "DROPCOUNT: dropped 1 CAN frame\r\n"
                               "(1.000000) can0 1F0#0\r\n"
                               "(1.000000) can0 1F0#R\r\n");
  const Outcome outcome = decode(arguments);
  CHECK(outcome.code == kExitFine);
  CHECK(has(outcome.out, "\"source\":0,\"message\":\"EEC1\",\"signals\":{}}\n"));
  CHECK(has(outcome.out, "\"message\":\"ENGINE\",\"signals\":{}}\n"));
  CHECK(has(
      outcome.err,
      "3 frames, 2 matched, 1 remote frame, 2 signals past the end of their frames, 2 values not available, "
      "1 broken line (line 4), 1 other line\n"));
}

TEST_CASE("decode command: a log without a frame is refused with what a line looks like") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.write("vehicle.dbc", kVehicle)};
  for (const std::string& log :
       {std::string(), std::string("\0\x01\xFF\x7F\n(", 6), std::string("  can0  1F0   [1]  C0\n")}) {
    const Outcome outcome = decode(arguments, log);
    CHECK(outcome.code == kExitBadInput);
    CHECK(outcome.out.empty());
    CHECK(has(outcome.err, "standard input: no candump frame in it"));
  }
}

TEST_CASE("decode command: files that cannot be read are named") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.path("absent.dbc")};
  Outcome outcome = decode(arguments, "(1.000000) can0 1F0#00\n");
  CHECK(outcome.code == kExitBadInput);
  CHECK(has(outcome.err, "absent.dbc"));

  arguments.dbc = {folder.write("vehicle.dbc", kVehicle)};
  for (const std::string& log : {folder.path("absent.log"), folder.path("")}) {
    arguments.log = log;
    outcome = decode(arguments);
    CHECK(outcome.code == kExitBadInput);
    CHECK(has(outcome.err, log + ": cannot be read"));
  }
}

TEST_CASE("decode command: a line beyond 4 KiB is one broken line, and the lines around it are read") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.write("vehicle.dbc", kVehicle)};
  const std::string frame = "(1.000000) can0 1F0#000305";
  const std::string padded = frame + std::string((4 << 10) - frame.size(), ' ');
  for (const std::size_t bytes : {4097U, 8192U, 8193U, 1'000'000U}) {
    CAPTURE(bytes);
    const std::string too_long = frame + std::string(bytes - frame.size(), ' ');
    const Outcome outcome = decode(arguments, padded + "\n" + too_long + "\n" + frame + "\n" + too_long);
    CHECK(outcome.code == kExitFine);
    CHECK(has(outcome.err, "2 frames, 2 matched, 2 broken lines (line 2, 4)\n"));
  }
}

TEST_CASE("decode command: a stop ends a log that does not end, and what was decoded is written") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.write("vehicle.dbc", kVehicle)};
  std::atomic<bool> stop = false;
  EndlessLog frames("(1.000000) can0 1F0#000305\n", stop);
  std::istream log(&frames);
  Outcome outcome = decode(arguments, log, stop);
  CHECK(outcome.code == kExitFine);
  CHECK(has(outcome.out, "\"GEAR\":5"));
  CHECK(has(outcome.err, "1000 frames, 1000 matched\n"));

  stop = false;
  EndlessLog noise(std::string(1000, 'x'), stop);
  std::istream noisy_log(&noise);
  outcome = decode(arguments, noisy_log, stop);
  CHECK(outcome.code == kExitFine);
  CHECK(has(outcome.err, "0 frames, 0 matched, 1 broken line (line 1)\n"));
}

TEST_CASE("decode command: a DBC warning names file and line, and --strict refuses it") {
  const Folder folder;
  DecodeArguments arguments;
  arguments.dbc = {folder.write("odd.dbc", std::string(kVehicle) + " SG_ BROKEN : nonsense\n")};
  Outcome outcome = decode(arguments, "(1.000000) can0 1F0#000305\n");
  CHECK(outcome.code == kExitFine);
  CHECK(has(outcome.err, "odd.dbc:7: "));
  CHECK(has(outcome.out, "\"GEAR\":5"));
  arguments.is_strict = true;
  outcome = decode(arguments, "(1.000000) can0 1F0#000305\n");
  CHECK(outcome.code == kExitBadInput);
  CHECK(outcome.out.empty());
}

}  // namespace
}  // namespace outrider
