# SPDX-License-Identifier: Apache-2.0
# packaging/quickstart.sh with the program of this build: its verdict, and what it leaves behind when it is ended.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME crash.quickstart
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/quickstart_test.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(crash.quickstart PROPERTIES LABELS crash TIMEOUT 180 SKIP_RETURN_CODE 77)
