# SPDX-License-Identifier: Apache-2.0
add_test(NAME checks.schema
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/schema_check.py ${PROJECT_SOURCE_DIR}/config)
set_tests_properties(checks.schema PROPERTIES LABELS checks TIMEOUT 120 SKIP_RETURN_CODE 77)
