# SPDX-License-Identifier: Apache-2.0
# The real agent against a broker that misbehaves in many ways.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME contract.hostile_broker
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/hostile.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(contract.hostile_broker PROPERTIES LABELS contract TIMEOUT 900 SKIP_RETURN_CODE 77)
