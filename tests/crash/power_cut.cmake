# SPDX-License-Identifier: Apache-2.0
# The buffer on a disk that forgets what was not flushed; longer by hand: power_cut.py --cycles 1000 …
add_executable(durable_writer ${CMAKE_CURRENT_LIST_DIR}/durable_writer.cpp)
target_link_libraries(durable_writer PRIVATE outrider_build outrider_store outrider_linux)
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
add_test(NAME crash.power_cut
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/power_cut.py --writer $<TARGET_FILE:durable_writer>)
set_tests_properties(crash.power_cut PROPERTIES LABELS crash SKIP_RETURN_CODE 77)
