// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/ports/small_file.h"

namespace outrider {

/// A small file on a POSIX file system, mode 0644. Writes go to "<path>.new", which then takes the place of `path`.
///
/// Errors   kRetry, with the system's reason.
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

}  // namespace outrider
