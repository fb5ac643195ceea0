// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace outrider {

/// One small file that is either the old text or the new one, also after a power cut (write aside, sync,
/// rename, sync).
class SmallFile {
 public:
  virtual ~SmallFile() = default;

  /// nullopt when there is no such file.
  virtual Result<std::optional<std::string>> read() const = 0;
  virtual Status write(std::string_view text) = 0;
};

/// Who may read a file besides root.
enum class Readers : std::uint8_t { kOwner, kEverybody };

}  // namespace outrider
