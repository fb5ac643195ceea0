# SPDX-License-Identifier: Apache-2.0
# The whole agent on a disk that is full, write-protected or failing for a while; one alone: disk_faults.py --attack NAME …
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME crash.disk_faults
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/disk_faults.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(crash.disk_faults PROPERTIES LABELS crash SKIP_RETURN_CODE 77)
