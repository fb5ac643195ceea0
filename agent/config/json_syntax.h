// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace outrider {

/// What a JSON reader knows when it gives up.
struct SyntaxError {
  std::size_t consumed = 0;     ///< Bytes read, up to somewhere in the offending token or to its end.
  std::string reason;           ///< The library's words; only parts are looked at, to tell the cases apart.
  int open_line = 0;            ///< Where the innermost list or object begins that is not closed; 0: none.
  bool is_open_object = false;  ///< That one is an object.
};

/// Where to look and what to do.
struct SyntaxAdvice {
  int line = 1;    ///< From 1.
  int column = 1;  ///< From 1, in characters.
  std::string text;
};

/// Turns a reader's error into a sentence for a person: what was read, and what would be right.
SyntaxAdvice advise(std::string_view text, const SyntaxError& error);

}  // namespace outrider
