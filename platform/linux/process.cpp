// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace outrider {

void prepare_process() {
  // The lowest free number is taken, so the loop ends as soon as 0 to 2 are all in use.
  int descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = ::dup(descriptor);
  if (descriptor > STDERR_FILENO) ::close(descriptor);
  (void)::signal(SIGXFSZ, SIG_IGN);
  (void)::signal(SIGPIPE, SIG_IGN);
}

}  // namespace outrider
