// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <filesystem>

#include "agent/config/sections.h"

namespace outrider {
namespace {

constexpr std::size_t kMostBuses = 32;
constexpr std::size_t kMostFilesPerBus = 64;
/// Linux: an interface name has at most 15 bytes (IFNAMSIZ), no '/' and no space.
constexpr std::size_t kLongestBusName = 15;
constexpr std::size_t kLongestPath = 4096;

constexpr std::array<Choice<IdMatching>, 3> kMatchings{
    {{"auto", IdMatching::kAuto}, {"exact", IdMatching::kExact}, {"pgn", IdMatching::kPgn}}};

void read_dbc(const JsonEntry& entry, const FileContext& files, BusConfig& bus) {
  DbcSource source;
  if (!entry.read(source.name, TextLimits{.most_bytes = kLongestPath})) return;
  const bool is_marked = source.name.rfind(kBuiltinDirectory, 0) == 0;
  const std::string bare = is_marked ? source.name.substr(kBuiltinDirectory.size()) : source.name;
  const bool may_be_builtin = is_marked || files.directory == kBuiltinDirectory;
  const std::optional<std::string_view> text = may_be_builtin ? builtin_file(bare) : std::nullopt;
  if (text) {
    source.builtin = *text;
  } else if (is_marked) {
    entry.refuse("is " + in_quotes(source.name) +
                 ", which did not come with the program; there are \"builtin:outrider_vehicle.dbc\" and "
                 "\"builtin:outrider_machine.dbc\"");
  } else {
    source.path = resolve_path(source.name, files);
  }
  bus.dbc.push_back(std::move(source));
}

void read_name(const JsonObject& object, BusConfig& bus) {
  if (!object.has("name")) object.problem("name", "is missing; write the interface, such as \"can0\"");
  if (!object.read("name", bus.name, TextLimits{.most_bytes = kLongestBusName})) return;
  if (bus.name.find_first_of("/ ") != std::string::npos)
    object.problem(
        "name", "is " + in_quotes(bus.name) + "; an interface has neither '/' nor spaces, such as \"can0\"");
}

BusConfig read_bus(const JsonEntry& entry, const FileContext& files) {
  BusConfig bus;
  const std::optional<JsonObject> object = JsonObject::of(entry, "buses[]");
  if (!object) return bus;
  read_name(*object, bus);
  object->read_choice("match", bus.matching, kMatchings);
  const std::optional<JsonEntry> dbc = object->find("dbc");
  if (!dbc) object->problem("dbc", "is missing; name the files that describe the bus: [\"vehicle.dbc\"]");
  const auto names = dbc ? dbc->items("file names", kMostFilesPerBus) : std::nullopt;
  if (names && names->empty())
    dbc->refuse("is empty; name the files that describe the bus: [\"vehicle.dbc\"]");
  if (!names) return bus;
  for (const JsonEntry& name : *names) read_dbc(name, files, bus);
  return bus;
}

}  // namespace

std::string resolve_path(const std::string& name, const FileContext& files) {
  if (name.compare(0, kCredentialPrefix.size(), kCredentialPrefix) == 0) return name;
  if (files.directory.empty() || files.directory == kBuiltinDirectory) return name;
  return (std::filesystem::path(files.directory) / name).lexically_normal().string();
}

std::vector<BusConfig> read_buses(const JsonObject& top, const FileContext& files) {
  std::vector<BusConfig> buses;
  const std::optional<JsonEntry> entry = top.find("buses");
  constexpr const char* kAdvice = "name at least one: [{\"name\": \"can0\", \"dbc\": [\"vehicle.dbc\"]}]";
  if (!entry) top.problem("buses", std::string("is missing; ") + kAdvice);
  const auto entries = entry ? entry->items("buses", kMostBuses) : std::nullopt;
  if (!entries) return buses;
  if (entries->empty()) entry->refuse(std::string("is empty; ") + kAdvice);
  for (const JsonEntry& item : *entries) {
    BusConfig bus = read_bus(item, files);
    const bool is_repeated = std::any_of(buses.begin(), buses.end(), [&](const BusConfig& other) {
      return !bus.name.empty() && other.name == bus.name;
    });
    if (is_repeated)
      item.refuse("has the name " + in_quotes(bus.name) +
                  " of an earlier bus; list all its DBC files in one entry");
    buses.push_back(std::move(bus));
  }
  return buses;
}

}  // namespace outrider
