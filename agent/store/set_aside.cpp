// SPDX-License-Identifier: Apache-2.0
#include "agent/store/set_aside.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

#include "agent/base/log.h"
#include "agent/base/quantity.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

// The database last when moved, first when removed.
constexpr std::array<const char*, 3> kParts = {"-wal", "-shm", ""};
constexpr const char* kDamaged = ".damaged-";

bool exists(const std::string& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found && !error;
}

/// The number behind `prefix`, if that is all there is.
std::optional<std::uint64_t> number_behind(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::vector<SetAside::Set> sets_of(const fs::path& database, std::string_view kind) {
  std::vector<SetAside::Set> sets;
  const std::string prefix = database.filename().string() + std::string(kind);
  const fs::path directory = database.has_parent_path() ? database.parent_path() : ".";
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::optional<std::uint64_t> number = number_behind(entry->path().filename().string(), prefix);
    const std::string path = entry->path().string();
    if (number) sets.push_back({.path = path, .number = *number, .bytes = database_bytes(path)});
  }
  std::sort(sets.begin(), sets.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return sets;
}

}  // namespace

bool has_content(const std::string& path) {
  std::error_code absent;
  const std::uintmax_t bytes = fs::file_size(path, absent);
  return !absent && bytes > 0;
}

std::uint64_t database_bytes(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const char* part : kParts) {
    std::error_code absent;
    const std::uintmax_t size = fs::file_size(path + part, absent);
    if (!absent) bytes += size;
  }
  return bytes;
}

void remove_database(const std::string& path) {
  std::error_code ignored;  // what cannot be removed is met again by whoever needs its place
  for (auto part = kParts.rbegin(); part != kParts.rend(); ++part) fs::remove(path + *part, ignored);
}

bool SetAside::is_pending() const {
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](const char* part) { return exists(pending() + part); });
}

Status SetAside::begin() { return move(pending()); }

Result<std::string> SetAside::finish() {
  const std::string to = next_name(kDamaged);
  for (const char* part : kParts) {
    std::error_code error;
    if (exists(pending() + part)) fs::rename(pending() + part, to + part, error);
    if (error) return retry("cannot rename " + pending() + part + ": " + error.message());
  }
  return to;
}

Result<std::string> SetAside::move_away() {
  constexpr std::string_view kForeign = ".foreign-";
  constexpr std::size_t kMostForeign = 3;
  const std::string to = next_name(kForeign);
  if (Status moved = move(to); !moved) return moved.error();
  const std::vector<Set> sets = sets_of(database_, kForeign);
  for (std::size_t i = 0; i + kMostForeign < sets.size(); ++i) {
    log_warning("store.foreign", "removing " + sets[i].path + ": there is room for the newest files only");
    remove_database(sets[i].path);
  }
  return to;
}

std::string SetAside::next_name(std::string_view kind) const {
  const std::vector<Set> sets = sets_of(database_, kind);
  return database_ + std::string(kind) + std::to_string(sets.empty() ? 1 : sets.back().number + 1);
}

Status SetAside::move(const std::string& to) const {
  for (const char* part : kParts) {
    std::error_code error;
    // A log that came here after the first had gone is of somebody who only looked.
    if (exists(to + part) && *part != '\0')
      fs::remove(database_ + part, error);
    else if (exists(database_ + part))
      fs::rename(database_ + part, to + part, error);
    if (error)
      return retry("cannot set aside " + database_ + part + " (" + error.message() +
                   "); make its directory writable for this user");
  }
  return ok();
}

std::vector<SetAside::Set> SetAside::damaged() const { return sets_of(database_, kDamaged); }

void SetAside::limit(std::size_t max_sets, std::uint64_t max_bytes) const {
  std::vector<Set> sets = damaged();
  const bool has_pending = is_pending();
  std::uint64_t bytes = has_pending ? database_bytes(pending()) : 0;
  for (const Set& set : sets) bytes += set.bytes;
  const std::size_t least = has_pending ? 0 : 1;
  while (sets.size() > least && (sets.size() + (has_pending ? 1 : 0) > max_sets || bytes > max_bytes)) {
    log_warning("store.damaged", "removing " + sets.front().path + " (" + size_text(sets.front().bytes) +
                                     "): there is room for the newest damaged buffers only");
    bytes -= sets.front().bytes;
    remove_database(sets.front().path);
    sets.erase(sets.begin());
  }
}

}  // namespace outrider
