# SPDX-License-Identifier: Apache-2.0
# The broker port: on the fake, and on Paho and the link against a private mosquitto.
set(support ${PROJECT_SOURCE_DIR}/tests/support)
outrider_test(outrider_broker_contract_tests contract
  FILES
    ${PROJECT_SOURCE_DIR}/tests/contract/broker_contract_test.cpp
    ${PROJECT_SOURCE_DIR}/tests/contract/connack_test.cpp
    ${PROJECT_SOURCE_DIR}/tests/contract/paho_broker_test.cpp
    ${PROJECT_SOURCE_DIR}/tests/contract/broker_kill_test.cpp
    ${support}/mosquitto.cpp ${support}/raw_subscriber.cpp
  LIBS outrider_paho outrider_linux)
set_tests_properties(contract.outrider_broker_contract_tests PROPERTIES
  ENVIRONMENT "TSAN_OPTIONS=suppressions=${support}/tsan.supp")
outrider_test(outrider_link_tests contract
  FILES ${PROJECT_SOURCE_DIR}/tests/contract/link_test.cpp
  LIBS outrider_linux)
