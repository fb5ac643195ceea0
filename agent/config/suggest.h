// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace outrider {

/// The up to `most` candidates that are closest to `word`, best first; none when all are too different to be meant.
std::vector<std::string_view> nearest_names(std::string_view word,
                                            const std::vector<std::string_view>& candidates,
                                            std::size_t most = 1);

/// `did you mean "max_bytes"?` or `did you mean "A" or "B"?`; empty when nothing is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::size_t most = 1);

/// `"a", "b" and "c"`, or with `last` " or ".
std::string quoted_list(const std::vector<std::string_view>& names, std::string_view last = " and ");

}  // namespace outrider
