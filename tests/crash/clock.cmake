# SPDX-License-Identifier: Apache-2.0
# The whole agent while its wall clock steps.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME crash.clock
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/clock.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(crash.clock PROPERTIES LABELS crash SKIP_RETURN_CODE 77)
