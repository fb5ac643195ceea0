// SPDX-License-Identifier: Apache-2.0
// Any bytes as a candump log: a line that is read must come back the same when written and read again.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/ensure.h"
#include "agent/decode/candump.h"

using namespace outrider;

namespace {

bool is_same(const CanFrame& a, const CanFrame& b) {
  return a.time == b.time && a.id == b.id && a.flags == b.flags && a.length == b.length &&
         std::ranges::equal(a.payload(), b.payload());
}

void examine(std::string_view line) {
  CandumpJunk why = CandumpJunk::kNone;
  const std::optional<CandumpLine> read = parse_candump_line(line, &why);
  ENSURE(read.has_value() == (why == CandumpJunk::kNone));
  if (!read) return;
  ENSURE(read->frame.length <= read->frame.data.size());
  ENSURE(read->frame.id <= 0x1FFFFFFFU);
  const std::string written = candump_line(read->frame, read->interface, read->fraction_digits);
  const std::optional<CandumpLine> again = parse_candump_line(written);
  ENSURE(again.has_value());
  ENSURE(is_same(read->frame, again->frame));
  ENSURE(read->interface == again->interface && read->fraction_digits == again->fraction_digits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    examine(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}
