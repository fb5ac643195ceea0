// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace outrider {

/// True when `text` holds U+0000..U+001F or U+007F..U+009F, which MQTT 5 section 1.5.4 advises against in topics.
bool has_control_characters(std::string_view text);

}  // namespace outrider
