# SPDX-License-Identifier: Apache-2.0
# What the agent really publishes, against the JSON Schemas and a validator that is not ours.
# The distribution's own interpreter, for its packages (python3-jsonschema) are not seen by another one.
find_program(OUTRIDER_DISTRIBUTION_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(OUTRIDER_DISTRIBUTION_PYTHON)
  add_test(NAME contract.published_documents
    COMMAND ${OUTRIDER_DISTRIBUTION_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/published_documents.py
            --binary $<TARGET_FILE:outrider>)
else()
  add_test(NAME contract.published_documents
    COMMAND sh -c "echo 'SKIPPED: no python3 of the distribution'; exit 77")
endif()
set_tests_properties(contract.published_documents PROPERTIES LABELS contract TIMEOUT 300 SKIP_RETURN_CODE 77)
