// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "agent/config/config.h"
#include "agent/status/local_request.h"
#include "agent/store/outbox.h"

namespace outrider {

/// Answers what is asked about a buffer: the loop of the running agent does, or `outrider buffer` itself when none runs.
///
/// Bound    an answer is one page of about kAnswerBytes, and the row that goes beyond.
/// Shape    whole lines, ended as local_request.h says.
std::string answer_buffer_request(const LocalRequest& request, Outbox& outbox, Layout layout);

inline constexpr std::size_t kAnswerBytes = 256U << 10U;

}  // namespace outrider
