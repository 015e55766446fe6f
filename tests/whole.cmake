# Tests of the whole: what programs, compilers and several headers together do.

# What only has to be compiled, or runs for a moment.
function(unoptimized target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0>)
endfunction()

# Compiling is passing.
file(GLOB static_tests CONFIGURE_DEPENDS static/*.cpp)
add_library(static_tests OBJECT ${static_tests})
target_link_libraries(static_tests PRIVATE tutelage::tutelage program_flags)
unoptimized(static_tests)

# Every header twice in one program.
tutelage_program(odr odr/one.cpp odr/two.cpp)
target_link_libraries(odr PRIVATE tutelage::images tutelage::io tutelage::theory)
unoptimized(odr)
add_test(NAME odr COMMAND odr)

# One source built for this processor and for any, in one program.
if(TUTELAGE_NATIVE AND NOT TUTELAGE_SANITIZE)
  foreach(object IN ITEMS native baseline)
    add_library(odr_${object} OBJECT odr/targets/object.cpp)
    target_link_libraries(odr_${object} PRIVATE tutelage::images tutelage::io tutelage::theory program_flags)
    target_include_directories(odr_${object} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_compile_definitions(odr_${object} PRIVATE OBJECT=${object} THROWS=${object}_throws
                                                     CATCHES=${object}_catches)
    unoptimized(odr_${object})
  endforeach()
  target_link_libraries(odr_native PRIVATE native_flags)
  add_executable(odr_targets odr/targets/main.cpp)
  target_include_directories(odr_targets PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(odr_targets PRIVATE odr_native odr_baseline tutelage::theory program_flags)
  add_test(NAME odr_targets
           COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:odr_targets>
                   -DNATIVE=$<TARGET_OBJECTS:odr_native> -DBASELINE=$<TARGET_OBJECTS:odr_baseline>
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/odr/targets/check.cmake)
endif()

# Models from PyTorch and back.
tutelage_program(round_trip pytorch/round_trip.cpp)
target_link_libraries(round_trip PRIVATE tutelage::io)
unoptimized(round_trip)
add_test(NAME pytorch COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:round_trip>
                              -DREADME=${PROJECT_SOURCE_DIR}/README.md
                              -DSCRATCH=${CMAKE_CURRENT_BINARY_DIR}/pytorch-test
                              -P ${CMAKE_CURRENT_SOURCE_DIR}/pytorch/check.cmake)
set_tests_properties(pytorch PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")

# Every header on its own: built by the target all_verify_interface_header_sets.
set_target_properties(tutelage tutelage_images tutelage_io tutelage_theory PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)

# Memory and threads.
if(NOT TUTELAGE_SANITIZE)
  tutelage_program(allocations allocations.cpp)
  target_link_libraries(allocations PRIVATE tutelage::theory)
  unoptimized(allocations)
  add_test(NAME allocations COMMAND allocations)
endif()

# Each source in fail/ must not compile, and say what its first line says. What most of them include
# is precompiled once a compiler.
file(GLOB fail_tests CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/fail fail/*.cpp)
find_program(CLANGXX clang++)
find_program(GXX g++)
foreach(compiler IN ITEMS ${GXX} ${CLANGXX})
  get_filename_component(compiler_name ${compiler} NAME)
  set(precompiled ${CMAKE_CURRENT_BINARY_DIR}/fail-${compiler_name})
  file(WRITE ${precompiled}/precompiled.hpp
       "#include <tutelage/analysis.hpp>\n#include <tutelage/tutelage.hpp>\n")
  add_test(NAME fail/precompiled/${compiler_name}
           COMMAND ${compiler} -std=c++20 -I${PROJECT_SOURCE_DIR}/include -x c++-header
                   ${precompiled}/precompiled.hpp -o ${precompiled}/precompiled.hpp.gch)
  set_tests_properties(fail/precompiled/${compiler_name}
                       PROPERTIES FIXTURES_SETUP precompiled-${compiler_name})
  foreach(source IN LISTS fail_tests)
    add_test(NAME fail/${source}/${compiler_name}
             COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} -DINCLUDE=${PROJECT_SOURCE_DIR}/include
                     -DPRECOMPILED=${precompiled}/precompiled.hpp
                     -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/fail/${source}
                     -P ${CMAKE_CURRENT_SOURCE_DIR}/fail/check.cmake)
    set_tests_properties(fail/${source}/${compiler_name}
                         PROPERTIES FIXTURES_REQUIRED precompiled-${compiler_name})
  endforeach()
endforeach()

# The check of these itself can fail.
add_test(NAME fail/refused COMMAND ${CMAKE_COMMAND} -DCOMPILER=${GXX} -DINCLUDE=${PROJECT_SOURCE_DIR}/include
                                   -DFOLDER=${CMAKE_CURRENT_SOURCE_DIR}/fail/refused
                                   -DSCRATCH=${CMAKE_CURRENT_BINARY_DIR}/fail-refused
                                   -P ${CMAKE_CURRENT_SOURCE_DIR}/fail/refuse.cmake)

add_test(NAME floors COMMAND ${CMAKE_COMMAND} -DINCLUDE=${PROJECT_SOURCE_DIR}/include/tutelage
                             -P ${CMAKE_CURRENT_SOURCE_DIR}/floors.cmake)

add_test(NAME include_size COMMAND ${CMAKE_COMMAND} -DCOMPILER=${GXX}
                                   -DINCLUDE=${PROJECT_SOURCE_DIR}/include
                                   -P ${CMAKE_CURRENT_SOURCE_DIR}/include_size.cmake)

if(TUTELAGE_INSTALL AND NOT TUTELAGE_SANITIZE)
  add_test(NAME install
           COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR}
                   -DCONSUMER=${CMAKE_CURRENT_SOURCE_DIR}/install
                   -DCOMPILER=${CMAKE_CXX_COMPILER}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/install/check.cmake)
endif()

if(TUTELAGE_EXAMPLES)
  add_test(NAME readme
           COMMAND ${CMAKE_COMMAND} -DREADME=${PROJECT_SOURCE_DIR}/README.md
                   -DSOURCES=${PROJECT_SOURCE_DIR}/examples
                   -DPROGRAMS=$<TARGET_FILE_DIR:odr>/../examples
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/readme.cmake)
  file(GLOB example_tests CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/examples
       examples/*.cmake)
  list(REMOVE_ITEM example_tests common.cmake)
  foreach(source IN LISTS example_tests)
    string(REGEX REPLACE "\\.cmake$" "" test ${source})
    add_test(NAME examples/${test}
             COMMAND ${CMAKE_COMMAND} -DPROGRAMS=$<TARGET_FILE_DIR:odr>/../examples
                     -DSCRATCH=${CMAKE_CURRENT_BINARY_DIR}/examples-test/${test}
                     -P ${CMAKE_CURRENT_SOURCE_DIR}/examples/${source})
    set_tests_properties(examples/${test} PROPERTIES COST 1000) # the longest begin first
  endforeach()
endif()
