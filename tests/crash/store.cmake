# SPDX-License-Identifier: Apache-2.0
outrider_test(outrider_store_crash_tests crash
  FILES ${CMAKE_CURRENT_LIST_DIR}/outbox_crash_test.cpp ${CMAKE_CURRENT_LIST_DIR}/outbox_disk_full_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/outbox_corruption_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/outbox_corruption_attacks.cpp
  LIBS outrider_store outrider_linux)

# The buffer on a disk that fails: every write, sync and truncation, compared with a model.
outrider_test(outrider_store_attack_tests crash
  FILES
    ${CMAKE_CURRENT_LIST_DIR}/outbox_attack_test.cpp ${CMAKE_CURRENT_LIST_DIR}/outbox_trial.cpp
    ${CMAKE_CURRENT_LIST_DIR}/outbox_model.cpp ${PROJECT_SOURCE_DIR}/tests/support/fault_vfs.cpp
  LIBS outrider_store PkgConfig::SQLITE3)
