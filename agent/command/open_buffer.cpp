// SPDX-License-Identifier: Apache-2.0
#include "agent/command/open_buffer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/store/epoch.h"

namespace outrider {
namespace {

std::string database_of(const BufferConfig& buffer) { return buffer.directory + "/outrider.db"; }

/// Of a check after an unclean stop: frames of a busy bus wait no longer than this.
constexpr seconds kLongestCheck{5};

std::uint64_t counter_of(const std::string& epoch) {
  const std::optional<Epoch> parsed = parse_epoch(epoch);
  return parsed ? parsed->counter : 0;
}

std::uint64_t size_of(const std::string& path) {
  std::error_code absent;
  const std::uintmax_t bytes = std::filesystem::file_size(path, absent);
  return absent ? 0 : bytes;
}

/// Everything else that keeps a file from being made is weather: full, write-protected, failing, over its quota.
bool is_mistake(const std::error_code& error) {
  constexpr std::array kMistakes = {
      std::errc::permission_denied, std::errc::operation_not_permitted,       std::errc::not_a_directory,
      std::errc::is_a_directory,    std::errc::no_such_file_or_directory,     std::errc::file_exists,
      std::errc::filename_too_long, std::errc::too_many_symbolic_link_levels, std::errc::invalid_argument};
  return std::any_of(kMistakes.begin(), kMistakes.end(), [&](std::errc each) { return error == each; });
}

/// What the system says to writing a file: SQLite's codes do not tell a full or write-protected disk from a directory
/// that belongs to somebody else.
std::error_code try_to_write(const std::string& path, const char* mode, std::string_view bytes) {
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), mode);
  if (file == nullptr) return {errno, std::generic_category()};
  const bool is_written =
      std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
  std::error_code error(is_written ? 0 : errno, std::generic_category());
  (void)std::fclose(file);
  return error;
}

/// Tells weather from mistakes; nobody has the buffer, or SQLite's lock on it would go with the file that is closed here.
Error explain(const BufferConfig& buffer, const Error& failure) {
  if (failure.fault == Fault::kReject) return failure;
  const std::string probe = buffer.directory + "/outrider.probe";
  std::error_code error = try_to_write(probe, "wb", std::string(4096, ' '));
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
  if (!error && std::filesystem::exists(database_of(buffer), ignored))
    error = try_to_write(database_of(buffer), "r+b", "");
  if (!error) return failure;
  const std::string text = "cannot write into " + buffer.directory + " (" + error.message() + ")";
  const bool was_removed = error == std::errc::no_such_file_or_directory;  // since we made it, a moment ago
  return is_mistake(error) && !was_removed
             ? stop(text + "; make it writable for this user, or choose another with --state DIR")
             : retry(text);
}

Result<std::unique_ptr<Outbox>> open(const BufferConfig& buffer, World& world,
                                     const std::optional<LostBuffer>& lost, bool is_visit) {
  std::error_code error;
  std::filesystem::create_directories(buffer.directory, error);
  if (error) {
    const std::string text = "cannot make the directory " + buffer.directory + " (" + error.message() + ")";
    return is_mistake(error) ? stop(text + "; choose another with --state DIR") : retry(text);
  }
  const auto epoch_file = world.make_small_file(buffer.directory + "/epoch");
  auto opened =
      Outbox::open({.path = database_of(buffer),
                    .max_bytes = buffer.max_bytes,
                    .min_free_disk = buffer.min_free_disk,
                    .commit_interval = buffer.commit_interval,
                    .max_staged_bytes = buffer.max_staged_bytes,
                    .memory_window = buffer.keep_in_memory.value_or(milliseconds(0)),
                    .random = world.random + (lost ? lost->attempt : 0),
                    .is_visit = is_visit,
                    .least_epoch = lost ? counter_of(lost->epoch) : 0,
                    .is_known_damaged = lost && lost->is_damaged,
                    .may_check_on = [&clock = *world.clock,
                                     end = world.clock->now() + kLongestCheck] { return clock.now() < end; }},
                   *epoch_file);
  if (!opened) return explain(buffer, opened.error());
  return opened;
}

/// A buffer in memory writes no epoch file: its epoch ends with it.
class NoFile final : public SmallFile {
 public:
  Result<std::optional<std::string>> read() const override { return std::optional<std::string>(); }
  Status write(std::string_view /*text*/) override { return ok(); }
};

/// Its epoch follows the one that the epoch file names, as far as it can be read. What begins after it in a file is
/// counted on from there, and an epoch that went on in a file meanwhile is an older one; only the random part keeps it
/// apart from what another process, or the next one, begins in memory.
Result<std::unique_ptr<Outbox>> open_in_memory(const BufferConfig& buffer, World& world,
                                               const std::string& why) {
  constexpr std::uint64_t kNotOfTheFile = 0x9E3779B97F4A7C15;  // or both epochs would have one random part
  const auto noted = world.make_small_file(buffer.directory + "/epoch")->read();
  NoFile none;
  return Outbox::open({.path = "",
                       .in_memory_because = why,
                       .max_bytes = buffer.max_staged_bytes,
                       .commit_interval = buffer.commit_interval,
                       .max_staged_bytes = buffer.max_staged_bytes,
                       .random = world.random + kNotOfTheFile,
                       .least_epoch = noted && *noted ? counter_of(**noted) : 0},
                      none);
}

}  // namespace

Result<std::unique_ptr<Outbox>> open_buffer(const BufferConfig& buffer, World& world,
                                            const std::optional<LostBuffer>& lost) {
  return open(buffer, world, lost, /*is_visit=*/false);
}

Result<std::unique_ptr<Outbox>> open_first_buffer(const BufferConfig& buffer, World& world) {
  constexpr seconds kLongestOverlap{5};
  constexpr milliseconds kBetween{100};
  const BootTime last = world.clock->now() + kLongestOverlap;
  auto opened = open_buffer(buffer, world);
  if (!opened && opened.error().fault == Fault::kReject)
    log_info("store", "another process has the buffer; waiting for it to let go");
  while (!opened && opened.error().fault == Fault::kReject && !*world.stop && world.clock->now() < last) {
    world.bell->wait(kBetween);
    opened = open_buffer(buffer, world);
  }
  if (opened || opened.error().fault != Fault::kRetry) return opened;
  log_error("store.memory",
            opened.error().text + "; until that is mended up to " + size_text(buffer.max_staged_bytes) +
                " of samples (buffer.max_staged_bytes) wait in memory, and a power cut or a stop "
                "costs them");
  return open_in_memory(buffer, world, opened.error().text);
}

Result<std::unique_ptr<Outbox>> open_idle_buffer(BufferConfig buffer, World& world,
                                                 const std::optional<LostBuffer>& lost) {
  const std::string path = database_of(buffer);
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return reject("there is no buffer in " + buffer.directory +
                  "; give --config or --state of the agent whose buffer is meant");
  constexpr std::uint64_t kRoom = 16ULL << 20;
  buffer.max_bytes = std::max(buffer.max_bytes, size_of(path) + size_of(path + "-wal") + kRoom);
  buffer.keep_in_memory.reset();
  return open(buffer, world, lost, /*is_visit=*/true);
}

}  // namespace outrider
