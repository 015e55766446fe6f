# Unit tests: one source a header, at the header's place.

add_library(test_support STATIC support/main.cpp support/oracle.cpp)
target_link_libraries(test_support PUBLIC doctest::doctest tutelage::tutelage program_flags
                      PRIVATE nlohmann_json::nlohmann_json)
target_include_directories(test_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(test_support
                           PRIVATE ORACLES="${CMAKE_CURRENT_SOURCE_DIR}/data/oracles")

file(GLOB unit_tests CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} core/*.cpp core/kernel/*.cpp
     model/*.cpp data/*.cpp io/*.cpp train/*.cpp gradient/*.cpp analysis/*.cpp analysis/*/*.cpp theory/*.cpp theory/*/*.cpp
     landscape/*.cpp landscape/*/*.cpp)

# CI builds some configurations in slices: see cmake/part.cmake.
set(TUTELAGE_SLICE "1/1" CACHE STRING "i/n: every n-th unit test from the i-th on")
if(NOT TUTELAGE_SLICE MATCHES "^([0-9]+)/([0-9]+)$")
  message(FATAL_ERROR "TUTELAGE_SLICE: takes i/n, got ${TUTELAGE_SLICE}")
endif()
set(place 0)
set(slice)
foreach(source IN LISTS unit_tests)
  math(EXPR place "${place} % ${CMAKE_MATCH_2} + 1")
  if(place EQUAL CMAKE_MATCH_1)
    list(APPEND slice ${source})
  endif()
endforeach()
set(unit_tests ${slice})

# Without optimization kernels would be slow, and these run longer than they compile.
set(long_running
    ^core/
    ^analysis/recovery/attacks
    ^analysis/recovery/dataset_conditions
    ^analysis/recovery/recovery_bounds
    ^gradient/expectations
    ^landscape/disconnected
    ^model/layer_gradients
    ^model/fused
    ^model/network_gradients
    ^theory/population/orthonormal_target)
list(JOIN long_running "|" long_running)
set(core_tests ${unit_tests})
list(FILTER core_tests INCLUDE REGEX "^core/|^model/fused")
set(optimized_tests ${unit_tests})
list(FILTER optimized_tests INCLUDE REGEX "${long_running}")
set(plain_tests ${unit_tests})
list(FILTER plain_tests EXCLUDE REGEX "${long_running}")

# unit_tests(name level flags source...) builds the sources with `flags` and registers each as a test,
# name/folder/header. They run for seconds and compile for minutes, so they are compiled with little
# optimization, -O`level`. Without the precompiled header (the presets baseline and clang) each source
# sees its own header before any other.
function(unit_tests name level flags)
  if(NOT ARGN)
    return()
  endif()
  add_executable(${name}_${level} ${ARGN})
  target_link_libraries(${name}_${level} PRIVATE test_support tutelage::images tutelage::io tutelage::theory ${flags})
  target_precompile_headers(${name}_${level} PRIVATE support/precompiled.hpp)
  target_compile_options(${name}_${level} PRIVATE $<$<CONFIG:Release>:-O${level}>)
  add_dependencies(unit_tests ${name}_${level})
  foreach(source IN LISTS ARGN)
    string(REGEX REPLACE "\\.cpp$" "" test ${source})
    add_test(NAME ${name}/${test} COMMAND ${name}_${level} --source-file=*/tests/${source})
    set(header ${PROJECT_SOURCE_DIR}/include/tutelage/${test}.hpp)
    if(CMAKE_DISABLE_PRECOMPILE_HEADERS AND EXISTS ${header})
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-include;${header}")
    endif()
  endforeach()
endfunction()

add_custom_target(unit_tests) # all of them

# For any processor of the family, or for this one and then the kernels for any too. The rest of the
# baseline is the preset of that name.
if(TUTELAGE_NATIVE)
  unit_tests(native 1 native_flags ${optimized_tests})
  unit_tests(native 0 native_flags ${plain_tests})
  if(NOT TUTELAGE_SANITIZE)
    unit_tests(baseline 1 program_flags ${core_tests})
  endif()
else()
  unit_tests(baseline 1 program_flags ${unit_tests})
endif()
