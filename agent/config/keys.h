// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace outrider {

/// One kind of object in a configuration and the keys it may have. `[]` stands for any item of a list.
struct ConfigObject {
  std::string_view path;  ///< "", "buses[]", "publish.backoff"…
  std::span<const std::string_view> keys;
};

/// All of them: what the parser accepts and what config.schema.json describes (a test compares the two).
std::span<const ConfigObject> config_objects();

/// ENSUREs that `path` is one of them.
const ConfigObject& config_object(std::string_view path);

}  // namespace outrider
