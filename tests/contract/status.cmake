# SPDX-License-Identifier: Apache-2.0
# The running agent, asked over its socket; against the JSON Schema and a validator that is not ours.
# The distribution's own interpreter, for its packages (python3-jsonschema) are not seen by another one.
find_program(OUTRIDER_DISTRIBUTION_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(OUTRIDER_DISTRIBUTION_PYTHON)
  add_test(NAME contract.status
    COMMAND ${OUTRIDER_DISTRIBUTION_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/status_test.py
            --binary $<TARGET_FILE:outrider>)
else()
  add_test(NAME contract.status
    COMMAND sh -c "echo 'SKIPPED: no python3 of the distribution'; exit 77")
endif()
set_tests_properties(contract.status PROPERTIES LABELS contract TIMEOUT 300 SKIP_RETURN_CODE 77)
