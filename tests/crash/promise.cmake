# SPDX-License-Identifier: Apache-2.0
# The whole agent against a real broker, both killed at random; longer by hand: promise.py --broker-kills 10 …
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME crash.promise
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/promise.py --binary $<TARGET_FILE:outrider>
          --broker-kills 3 --agent-kills 5)
set_tests_properties(crash.promise PROPERTIES LABELS crash TIMEOUT 300 SKIP_RETURN_CODE 77)
