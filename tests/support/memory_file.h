// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/ports/small_file.h"

namespace outrider {

/// A SmallFile without a disk; the test sees and changes everything.
class MemoryFile final : public SmallFile {
 public:
  Result<std::optional<std::string>> read() const override {
    if (is_failing) return retry("the memory file was told to fail");
    return text;
  }
  Status write(std::string_view new_text) override {
    if (is_failing || is_read_only) return retry("the memory file was told to fail");
    text = std::string(new_text);
    ++writes;
    return ok();
  }

  std::optional<std::string> text;
  bool is_failing = false;
  bool is_read_only = false;
  int writes = 0;
};

}  // namespace outrider
