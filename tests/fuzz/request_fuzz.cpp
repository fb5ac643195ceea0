// SPDX-License-Identifier: Apache-2.0
// Any bytes are a local request or get a sentence, and any bytes are an answer or are noticed to be none.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/ensure.h"
#include "agent/status/local_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace outrider;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<LocalRequest> request = parse_request(text);
  if (request) {
    ENSURE(request->from >= 0 && request->within >= milliseconds(0));
    ENSURE(request->ids.size() <= LocalRequest::kMostIds);
    const std::string written = request_text(*request);
    const Result<LocalRequest> again = parse_request(written);
    ENSURE(again && request_text(*again) == written);
  } else {
    ENSURE(!request.error().text.empty());
  }
  const Result<LocalAnswer> answer = parse_answer(text);
  ENSURE(!answer || text.back() == '\n');
  return 0;
}
