# SPDX-License-Identifier: Apache-2.0
# The real program with a buffer that is damaged, between two starts and while it is in use.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME crash.damaged
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/damaged.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(crash.damaged PROPERTIES LABELS crash TIMEOUT 300 SKIP_RETURN_CODE 77)
