// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <string>

#include "agent/base/ensure.h"

namespace outrider {

/// A directory of this test alone; gone with everything in it when the test ends.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((root() / "outrider-XXXXXX").string()) {
    ENSURE(::mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  /// In memory where there is such a place: hundreds of commits then cost no time and no flash.
  static std::filesystem::path root() {
    std::error_code absent;
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory, absent) ? memory : std::filesystem::temp_directory_path();
  }

  std::string path_;
};

}  // namespace outrider
