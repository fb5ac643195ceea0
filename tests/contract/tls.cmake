# SPDX-License-Identifier: Apache-2.0
# The secure link, against mosquitto, openssl and servers that misbehave.
outrider_test(outrider_tls_tests contract
  FILES
    ${CMAKE_CURRENT_LIST_DIR}/tls_matrix_test.cpp ${CMAKE_CURRENT_LIST_DIR}/tls_link_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tls_lab.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/mosquitto.cpp ${PROJECT_SOURCE_DIR}/tests/support/raw_subscriber.cpp
  LIBS outrider_paho outrider_linux outrider_secure)
target_compile_definitions(outrider_tls_tests PRIVATE
  OUTRIDER_TLS_CERTIFICATES="${PROJECT_SOURCE_DIR}/tests/support/tls_certificates.sh")
set_tests_properties(contract.outrider_tls_tests PROPERTIES
  ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.supp")

find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME contract.secure_journey
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/secure_journey.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(contract.secure_journey PROPERTIES LABELS contract TIMEOUT 300 SKIP_RETURN_CODE 77)

add_test(NAME contract.port_walk
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/port_walk.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(contract.port_walk PROPERTIES LABELS contract TIMEOUT 300 SKIP_RETURN_CODE 77)

add_test(NAME contract.identity
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/identity.py --binary $<TARGET_FILE:outrider>)
set_tests_properties(contract.identity PROPERTIES LABELS contract TIMEOUT 300 SKIP_RETURN_CODE 77)
