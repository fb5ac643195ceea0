# SPDX-License-Identifier: Apache-2.0
# Every library we link, in one place. All are Debian packages; CONTRIBUTING.md says why each is here.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3>=3.38)

# Found by hand: Debian's PahoMqttCpp package file asks for static libraries that its package does not have.
find_library(PAHO_MQTTPP_LIBRARY paho-mqttpp3 REQUIRED)
find_library(PAHO_MQTT_LIBRARY paho-mqtt3as REQUIRED)  # the C library that Debian's C++ one is linked with
find_path(PAHO_MQTTPP_INCLUDE mqtt/async_client.h REQUIRED)
add_library(paho_mqttpp INTERFACE IMPORTED)
target_link_libraries(paho_mqttpp INTERFACE ${PAHO_MQTTPP_LIBRARY} ${PAHO_MQTT_LIBRARY})
target_include_directories(paho_mqttpp SYSTEM INTERFACE ${PAHO_MQTTPP_INCLUDE})

# Found by hand: 2.28 comes without a package file, and the names of its three libraries are those of 3.6.
find_path(MBEDTLS_INCLUDE mbedtls/ssl.h REQUIRED)
add_library(mbedtls INTERFACE IMPORTED)
target_include_directories(mbedtls SYSTEM INTERFACE ${MBEDTLS_INCLUDE})
foreach(part mbedtls mbedx509 mbedcrypto)  # each needs those behind it
  find_library(OUTRIDER_${part}_LIBRARY ${part} REQUIRED)
  target_link_libraries(mbedtls INTERFACE ${OUTRIDER_${part}_LIBRARY})
endforeach()
