// SPDX-License-Identifier: Apache-2.0
#include "agent/command/decode.h"

#include <doctest/doctest.h>

#include <array>
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

Outcome decode(const DecodeArguments& arguments, const std::string& input = "") {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  const File out(std::tmpfile(), std::fclose);
  const File err(std::tmpfile(), std::fclose);
  REQUIRE(out != nullptr);
  REQUIRE(err != nullptr);
  std::istringstream stream(input);
  const int code = run_decode(arguments, stream, out.get(), err.get());
  return {code, contents(out.get()), contents(err.get())};
}

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
