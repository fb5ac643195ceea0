// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/decode/dbc_draft.h"

namespace outrider {

/// Turns the marks of SG_ lines and the SG_MUL_VAL_ statements into `selector` and `selected_by`.
///
/// Ranges of SG_MUL_VAL_ win over the number of m<k>. A signal of which nobody can say when it is there is removed with
/// a warning, for a wrong value is worse than none; indices of signals change then, so this comes last.
void resolve_multiplexing(DbcDraft& draft);

}  // namespace outrider
