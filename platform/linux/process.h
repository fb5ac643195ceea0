// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace outrider {

/// To be called first in main: descriptors 0 to 2 are open (a database must never become standard error), and writing
/// beyond a file size limit or to a closed pipe is an error instead of the end.
void prepare_process();

}  // namespace outrider
