# SPDX-License-Identifier: Apache-2.0
outrider_test(outrider_store_crash_tests crash
  FILES ${CMAKE_CURRENT_LIST_DIR}/outbox_crash_test.cpp ${CMAKE_CURRENT_LIST_DIR}/outbox_disk_full_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/outbox_corruption_test.cpp
  LIBS outrider_store outrider_linux)
