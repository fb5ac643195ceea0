# SPDX-License-Identifier: Apache-2.0
# The whole agent on a bad network, made by a relay or by the kernel; one alone, longer: network.py --seconds 300 … ATTACK
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
foreach(way relay kernel)
  add_test(NAME crash.network_${way}
    COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/network.py --binary $<TARGET_FILE:outrider> --way ${way})
  set_tests_properties(crash.network_${way} PROPERTIES LABELS crash SKIP_RETURN_CODE 77)
endforeach()
