// SPDX-License-Identifier: Apache-2.0
#include "agent/command/check.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "agent/command/rule_coverage.h"

namespace outrider {
namespace {

constexpr const char* kDbc =
    "VERSION \"\"\n"
    "BO_ 256 Engine: 8 ECU\n"
    " SG_ Speed : 0|16@1+ (1,0) [0|0] \"rpm\" X\n"
    " SG_ Temperature : 16|8@1+ (1,-40) [0|0] \"degC\" X\n"
    "BO_ 257 Wheel: 8 ABS\n"
    " SG_ Speed : 0|16@1+ (1,0) [0|0] \"km/h\" X\n";

/// A folder of its own that goes away with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "outrider-check-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path.string();
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

std::string text_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  std::array<char, 4096> piece{};
  for (std::size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), file)) > 0;)
    text.append(piece.data(), n);
  return text;
}

Outcome check(const CheckArguments& arguments) {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  const File out(std::tmpfile(), &std::fclose);
  const File err(std::tmpfile(), &std::fclose);
  REQUIRE((out && err));
  const int code = run_check(arguments, std::chrono::system_clock::now(), out.get(), err.get());
  return {code, text_of(out.get()), text_of(err.get())};
}

Outcome check(const std::string& config, std::vector<std::string> overrides = {}, bool is_strict = false) {
  return check(CheckArguments{config, std::move(overrides), is_strict});
}

/// A configuration with these rules beside a DBC file.
std::string write_config(const Folder& folder, const std::string& rules, const std::string& publish = "") {
  folder.write("a.dbc", kDbc);
  return folder.write("c.json", R"({"vehicle_id": "v", "buses": [{"name": "can0", "dbc": ["a.dbc"]}],
    "signals": [)" + rules + R"(], "publish": {"brokers": ["mqtt://localhost"])" +
                                    publish + "}}");
}

TEST_CASE("check: a good configuration gets a short summary and nothing else") {
  const Folder folder;
  const Outcome outcome = check(write_config(folder, R"("Engine.*")"));
  CHECK(outcome.err == "");
  CHECK(outcome.code == kExitFine);
  CHECK(outcome.out ==
        "vehicle   v\n"
        "buses     can0: a.dbc; 2 messages, 2 of 3 signals wanted; matched by ids as the files say\n"
        "rules     1\n"
        "brokers   localhost:1883, plain text\n"
        "          MQTT 5, client id outrider-v\n"
        "topic     outrider/{vehicle_id}/{channel}, columns in messages of up to 64.0 KiB\n"
        "buffer    /var/lib/outrider, up to 256.0 MiB, written every 500 ms\n");
}

TEST_CASE("check: every shipped configuration is good, even strictly") {
  for (const char* name : {"simulator.json", "vehicle.json", "raspberry-pi.json", "factory.json"}) {
    CAPTURE(name);
    const Outcome outcome = check(std::string(OUTRIDER_CONFIG_DIR "/") + name, {}, true);
    CHECK(outcome.err == "");
    CHECK(outcome.code == kExitFine);
  }
  CHECK(check("builtin:simulator", {}, true).code == kExitFine);
}

TEST_CASE("check: a bad configuration gets its problems and no summary") {
  const Outcome outcome = check("builtin:simulator", {"buffer.max_bytes=1B"});
  CHECK(outcome.code == kExitBadInput);
  CHECK(outcome.out == "");
  CHECK(outcome.err ==
        "builtin:simulator: buffer.max_bytes (set on the command line): is 1B; the range is 1MiB to 1TiB\n");
}

TEST_CASE("check: a DBC file that is not there or is none is a problem at its place") {
  const Folder folder;
  const std::string config = write_config(folder, "");
  const std::string junk = folder.write("junk.dbc", "hello\n");
  const Outcome outcome = check(config, {"buses[0].dbc[1]=missing.dbc", "buses[0].dbc[2]=junk.dbc"});
  CHECK(outcome.code == kExitBadInput);
  CHECK(outcome.err.find(config + ": buses[0].dbc[1]: " + (folder / "missing.dbc")) == 0);
  CHECK(outcome.err.find("\n" + config + ": buses[0].dbc[2]: junk.dbc") != std::string::npos);
  CHECK(outcome.out == "");
}

TEST_CASE("check: a DBC file with flaws is good with warnings by line, and bad when strict") {
  const Folder folder;
  const std::string config = write_config(folder, "");
  std::string text = kDbc;
  for (int i = 0; i < 25; ++i) text += "BO_ broken\n";
  const std::string dbc = folder.write("a.dbc", text);
  const Outcome outcome = check(config);
  CHECK(outcome.code == kExitFine);
  CHECK(outcome.err.find(dbc + ":7: warning: ") == 0);
  CHECK(outcome.err.find(dbc + ": and 5 more\n") != std::string::npos);
  const Outcome strict = check(config, {}, true);
  CHECK(strict.code == kExitBadInput);
  CHECK(strict.err.find("warnings, and --strict allows none") != std::string::npos);
  CHECK(strict.out == "");
}

TEST_CASE("check: a password file must be there, hold something and be kept from others") {
  const Folder folder;
  const std::string config = write_config(folder, "", R"(, "username": "u", "password_file": "pw")");
  CHECK(check(config).code == kExitBadInput);
  CHECK(check(config).err.find(config + ": publish.password_file: cannot read a password") == 0);

  const std::string password = folder.write("pw", "\nsecret\n");
  CHECK(check(config).err.find("is empty; it is the password") != std::string::npos);

  folder.write("pw", "secret\n");
  CHECK(check(config).err == "");
  CHECK(check(config).out.find("client id outrider-v, user u") != std::string::npos);

  std::filesystem::permissions(password, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const Outcome open = check(config);
  CHECK(open.code == kExitFine);
  CHECK(open.err.find("every user of this machine can read") != std::string::npos);
  CHECK((open.err + open.out).find("secret") == std::string::npos);
}

TEST_CASE("check: MQTT 3.1.1 is warned of") {
  const Folder folder;
  const Outcome outcome = check(write_config(folder, ""), {"publish.mqtt=3.1.1"});
  CHECK(outcome.code == kExitFine);
  CHECK(
      outcome.err.find("publish.mqtt: with MQTT 3.1.1 a broker may acknowledge a message that it refuses") !=
      std::string::npos);
}

TEST_CASE("check: a rule that does nothing is warned of, with the nearest names") {
  const Folder folder;
  const struct {
    std::string rules;
    std::string warning;
  } cases[] = {
      {R"("Sped")", R"(signals[0].signal: no signal is called "Sped"; did you mean "Speed"?)"},
      {R"("Engine.Torque")",
       R"(signals[0].signal: no signal of message "Engine" is called "Torque"; there are "Speed" and "Temperature")"},
      {R"("Wheel.Temperature")",
       R"(signals[0].signal: no signal of message "Wheel" is called "Temperature"; one is in message "Engine")"},
      {R"("Engin.Speed")", R"(signals[0].message: no message is called "Engin"; did you mean "Engine"?)"},
      {R"("Gearbox.*")",
       R"(signals[0].message: no message is called "Gearbox"; there are "Engine" and "Wheel")"},
      {R"("Engine.*", "Temperature")",
       "signals[1]: has no effect, as signals[0] decides about its signals first; move it up"},
      {R"({"signal": "Speed", "as": "speed"})",
       "signals[0].as: matches 2 signals, such as Engine.Speed and Wheel.Speed, which cannot share the name "
       "\"speed\"; give the message too"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.rules);
    const std::string config = write_config(folder, one.rules);
    const Outcome outcome = check(config);
    CHECK(outcome.code == kExitFine);
    CHECK(outcome.err == config + ": warning: " + one.warning + "\n");
  }
}

TEST_CASE("check: DBC files without any signal are warned of") {
  const Folder folder;
  const std::string config = write_config(folder, "");
  folder.write("a.dbc", "VERSION \"\"\nBO_ 256 Engine: 8 ECU\n");
  CHECK(check(config).err ==
        config + ": warning: buses: no DBC file describes a signal; nothing will be kept\n");
}

TEST_CASE("check: rules for different senders do not hide each other, and a dropped name is no clash") {
  const Folder folder;
  for (const char* rules : {
           R"({"signal": "Temperature", "source_address": 0, "as": "a"},
              {"signal": "Temperature", "source_address": 1, "as": "b"}, "Temperature")",
           R"({"message": "Wheel", "drop": true}, {"signal": "Speed", "as": "speed"})",
       }) {
    CAPTURE(rules);
    CHECK(check(write_config(folder, rules)).err == "");
  }
}

}  // namespace
}  // namespace outrider
