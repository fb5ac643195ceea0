# SPDX-License-Identifier: Apache-2.0
# How our own code is compiled. Libraries come as imported targets, whose headers are SYSTEM: -Werror never reaches them.
add_library(outrider_build INTERFACE)
target_include_directories(outrider_build INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(outrider_build INTERFACE OUTRIDER_VERSION="${PROJECT_VERSION}")
target_compile_options(outrider_build INTERFACE
  -Wall -Wextra -Wpedantic
  -Wshadow               # a name that hides another is how units get mixed up
  -Wconversion           # raw CAN bits and sequence numbers must not narrow silently
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${OUTRIDER_WERROR}>:-Werror>)
target_link_libraries(outrider_build INTERFACE Threads::Threads)

if(OUTRIDER_SANITIZE)
  add_compile_options(-fsanitize=${OUTRIDER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${OUTRIDER_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  add_compile_options(-fstack-protector-strong $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
endif()

if(OUTRIDER_TIDY)
  find_program(CLANG_TIDY clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${CLANG_TIDY} --quiet)
endif()

# outrider_library(NAME LIBS… FILES files…): one folder, one static library, so that layers show up at link time.
function(outrider_library name)
  cmake_parse_arguments(ARG "" "" "FILES;LIBS;PRIVATE_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_FILES})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS} PRIVATE outrider_build ${ARG_PRIVATE_LIBS})
endfunction()

# outrider_test(NAME TIER FILES… LIBS…): one doctest executable that ctest runs with the label TIER.
function(outrider_test name tier)
  cmake_parse_arguments(ARG "" "" "FILES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_FILES})
  target_link_libraries(${name} PRIVATE outrider_build outrider_doctest ${ARG_LIBS})
  add_test(NAME ${tier}.${name} COMMAND ${name} --no-intro)
  set_tests_properties(${tier}.${name} PROPERTIES LABELS ${tier} TIMEOUT 120)
endfunction()
