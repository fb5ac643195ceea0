// SPDX-License-Identifier: Apache-2.0
#include "agent/config/config.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>

#include "agent/config/overrides.h"
#include "agent/config/sections.h"

namespace outrider {
namespace {

constexpr std::size_t kLargestFile = 1U << 20U;
constexpr std::size_t kLongestVehicleId = 128;       // AWS IoT Core: a thing name
constexpr std::uint64_t kLargestSeed = 1ULL << 53U;  // exact in every JSON reader

constexpr std::array<Choice<ModelKind>, 2> kModels{
    {{"vehicle", ModelKind::kVehicle}, {"machine", ModelKind::kMachine}}};
constexpr std::array<Choice<LogLevel>, 5> kLevels{{{"error", LogLevel::kError},
                                                   {"warning", LogLevel::kWarning},
                                                   {"notice", LogLevel::kNotice},
                                                   {"info", LogLevel::kInfo},
                                                   {"debug", LogLevel::kDebug}}};

std::string read_vehicle_id(const JsonObject& top) {
  std::string id;
  if (!top.has("vehicle_id")) top.problem("vehicle_id", "is missing; write a name that no other vehicle has");
  if (!top.read("vehicle_id", id, TextLimits{.most_bytes = kLongestVehicleId})) return {};
  if (id.find_first_of("/+#") == std::string::npos) return id;
  top.problem("vehicle_id", "is " + in_quotes(id) +
                                "; it becomes a level of the topic, so '/', '+' and '#' are not allowed");
  return {};
}

BufferConfig read_buffer(const JsonObject& top) {
  BufferConfig buffer;
  const std::optional<JsonObject> object = top.object("buffer", "buffer");
  if (!object) return buffer;
  object->read("directory", buffer.directory, TextLimits{.most_bytes = 4096});
  object->read_size("max_bytes", buffer.max_bytes, {1ULL << 20U, 1ULL << 40U});
  if (object->has("max_age")) {
    milliseconds age{};
    object->read("max_age", age, Range<milliseconds>{std::chrono::minutes(1), std::chrono::hours(24 * 3650)});
    buffer.max_age = age;
  }
  if (object->has("min_free_disk")) {
    std::uint64_t bytes = 0;
    object->read_size("min_free_disk", bytes, {0, 1ULL << 40U});
    buffer.min_free_disk = bytes;
  }
  object->read("commit_interval", buffer.commit_interval, Range<milliseconds>{milliseconds(10), seconds(60)});
  if (object->has("keep_in_memory")) {
    milliseconds window{};
    object->read("keep_in_memory", window, Range<milliseconds>{seconds(1), std::chrono::hours(1)});
    buffer.keep_in_memory = window;
  }
  object->read_size("max_staged_bytes", buffer.max_staged_bytes, {64ULL << 10U, 256ULL << 20U});
  return buffer;
}

SimulatorConfig read_simulator(const JsonObject& top) {
  SimulatorConfig simulator;
  const std::optional<JsonObject> object = top.object("simulator", "simulator");
  if (!object) return simulator;
  object->read_choice("model", simulator.model, kModels);
  object->read_whole("seed", simulator.seed, Range<std::uint64_t>{0, kLargestSeed});
  return simulator;
}

Config read_config(const JsonObject& top, const FileContext& files) {
  if (const std::optional<JsonEntry> schema = top.find("$schema")) {
    std::string ignored;  // for editors
    schema->read(ignored, TextLimits{.most_bytes = 4096, .may_be_empty = true});
  }
  Config config;
  config.vehicle_id = read_vehicle_id(top);
  config.buses = read_buses(top, files);
  config.signals = read_signals(top);
  config.buffer = read_buffer(top);
  config.publish = read_publish(top, config.vehicle_id, files);
  config.simulator = read_simulator(top);
  if (const std::optional<JsonObject> log = top.object("log", "log"))
    log->read_choice("level", config.log_level, kLevels);
  return config;
}

Result<std::string> read_file(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return reject(path + ": cannot be read: " + why + "; give the path of a configuration file");
  };
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) return refuse("it is a directory");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(std::generic_category().message(errno != 0 ? errno : ENOENT));
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return refuse("reading failed");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<Config> load_builtin(const std::string& path, const std::vector<Override>& overrides) {
  const std::string name = path.substr(kBuiltinDirectory.size());
  const auto text = builtin_file(name + ".json");
  if (text) return parse_config(*text, path, std::string(kBuiltinDirectory), overrides);
  return reject(path + ": did not come with the program; there is \"builtin:simulator\"");
}

}  // namespace

Result<Config> load_config(const std::string& path, const std::vector<Override>& overrides) {
  if (path.rfind(kBuiltinDirectory, 0) == 0) return load_builtin(path, overrides);
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  return parse_config(*text, path, std::filesystem::path(path).parent_path().string(), overrides);
}

Result<Config> parse_config(std::string_view text, const std::string& name, const std::string& directory,
                            const std::vector<Override>& overrides) {
  Problems problems(name);
  if (text.size() > kLargestFile)
    return reject(name + ": is larger than 1 MiB; a configuration is a few KiB of JSON");
  std::optional<JsonValue> root = parse_json_document(text, problems);
  if (!root) return reject(problems.text());
  for (const Override& one : overrides) apply_override(*root, one, problems);
  Config config;
  if (const auto top = JsonObject::of(JsonEntry(*root, "", problems), ""))
    config = read_config(*top, {directory});
  if (!problems.empty()) return reject(problems.text());
  return config;
}

}  // namespace outrider
