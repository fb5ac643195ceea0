# SPDX-License-Identifier: Apache-2.0
# The message source: Paho's subscriber against a private mosquitto.
outrider_test(outrider_source_contract_tests contract
  FILES ${CMAKE_CURRENT_SOURCE_DIR}/source_contract_test.cpp
        ${PROJECT_SOURCE_DIR}/tests/support/mosquitto.cpp ${PROJECT_SOURCE_DIR}/tests/support/raw_subscriber.cpp
  LIBS outrider_paho outrider_linux)
