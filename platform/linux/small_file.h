// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/ports/small_file.h"

namespace outrider {

/// A small file on a POSIX file system, mode 0644. Writes go to "<path>.new", which then takes the place of `path`.
///
/// Shape    what is larger than 4 KiB or not a regular file reads as "", like a file that is damaged.
/// Errors   kRetry, with the system's reason. kStop when a directory is in the way of a write.
/// Threads  one writer.
class PosixSmallFile final : public SmallFile {
 public:
  explicit PosixSmallFile(std::string path) : path_(std::move(path)) {}

  Result<std::optional<std::string>> read() const override;
  Status write(std::string_view text) override;

 private:
  Status write_aside(const std::string& aside, std::string_view text) const;
  Status sync_directory() const;

  const std::string path_;
};

/// Makes a new file, for its owner only or for everybody to read (less what the umask takes away).
/// Errors  kReject: there is something of that name, which stays as it is; or the system's reason. Then there is no new
///         file.
Status create_file(const std::string& path, std::string_view text, Readers readers);

}  // namespace outrider
