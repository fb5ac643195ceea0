// SPDX-License-Identifier: Apache-2.0
#include "agent/base/time.h"

#include <algorithm>

namespace outrider {
namespace {

char* write_digits(char* out, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

}  // namespace

const char* name_of(ClockQuality quality) {
  switch (quality) {
    case ClockQuality::kSynced:
      return "synced";
    case ClockQuality::kCorrected:
      return "corrected";
    case ClockQuality::kEstimated:
      break;
  }
  return "estimated";
}

char* write_iso_time(char* out, WallTime time) {
  using namespace std::chrono;
  constexpr sys_days kFirst = year{0} / January / 1;
  constexpr sys_days kLast = year{9999} / December / 31;
  const auto rounded =
      floor<milliseconds>(time);  // first, as nanoseconds of a whole day may not fit at either end
  const sys_days day = std::clamp(floor<days>(rounded), kFirst, kLast);
  const year_month_day date{day};
  const auto millis = static_cast<unsigned>((rounded - floor<days>(rounded)).count());
  out = write_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *out++ = '-';
  out = write_digits(out, static_cast<unsigned>(date.month()), 2);
  *out++ = '-';
  out = write_digits(out, static_cast<unsigned>(date.day()), 2);
  *out++ = 'T';
  out = write_digits(out, millis / 3'600'000, 2);
  *out++ = ':';
  out = write_digits(out, millis / 60'000 % 60, 2);
  *out++ = ':';
  out = write_digits(out, millis / 1000 % 60, 2);
  *out++ = '.';
  out = write_digits(out, millis % 1000, 3);
  *out++ = 'Z';
  return out;
}

std::string iso_time(WallTime time) {
  std::string text(kIsoTimeBytes, '\0');
  write_iso_time(text.data(), time);
  return text;
}

}  // namespace outrider
