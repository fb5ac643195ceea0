// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/decode/dbc_attributes.h"
#include "agent/decode/dbc_draft.h"
#include "agent/decode/dbc_lexer.h"

namespace outrider {

/// Where the reading of one statement stands: behind its keyword at first. Borrows everything.
struct DbcStatement {
  DbcLexer& lexer;
  DbcDraft& draft;
  DbcAttributes& attributes;
  std::string_view keyword;
  int line = 0;

  /// Notes that the statement was read generously.
  void warn(std::string text) const { draft.warn(line, std::move(text)); }
  /// Notes that it is skipped because `expected` is not what comes next. False, so that it can be returned.
  bool broken(std::string_view expected) const;
  /// Notes that it is skipped for its content. False too.
  bool refused(std::string_view why) const;
};

// One function per statement. False: it was noted as broken and the reader stands where it broke. None of them reads
// the ';' at the end. Source: Vector, "DBC File Format Documentation", and what real files make of it.
bool read_message(DbcStatement& statement);            // BO_
bool read_signal(DbcStatement& statement);             // SG_
bool read_comment(DbcStatement& statement);            // CM_
bool read_value_names(DbcStatement& statement);        // VAL_
bool read_float_type(DbcStatement& statement);         // SIG_VALTYPE_
bool read_selector_ranges(DbcStatement& statement);    // SG_MUL_VAL_
bool read_attribute_type(DbcStatement& statement);     // BA_DEF_
bool read_attribute_default(DbcStatement& statement);  // BA_DEF_DEF_
bool read_attribute(DbcStatement& statement);          // BA_

/// A name for people and code: 1..255 bytes. Empty after noting that it is missing or too long.
std::string_view read_name(DbcStatement& statement, std::string_view what);

/// Text in quotes that ends a statement; notes when it had to be repaired.
std::optional<std::string> read_long_text(DbcStatement& statement);

}  // namespace outrider
