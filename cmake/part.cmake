# What is too long for every landing, in parts: the baseline, the unit tests with g++, the rest with
# clang, the sanitizers, the changes of tests/mutants, every header on its own, the benchmarks.
#
#   cmake -P cmake/part.cmake                  parts chosen by the commit's hash, for about MINUTES
#   cmake -DPARTS=all -P cmake/part.cmake      all of them
#   cmake -DPARTS="asan.*" -P cmake/part.cmake those whose name is so
#   cmake -DLIST=ON -P cmake/part.cmake        their names
#
# The hash chooses the first part; those after it follow as long as there is time (-DMINUTES=4).
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
if(NOT DEFINED MINUTES)
  set(MINUTES 4)
endif()

# A part is a preset, what of it is built (a slice of the unit tests, examples, headers, benchmarks,
# mutants), and which slice.
set(parts)
function(slices count)
  foreach(preset IN LISTS ARGN)
    foreach(i RANGE 1 ${count})
      list(APPEND parts "${preset} ${i}/${count}")
    endforeach()
  endforeach()
  set(parts ${parts} PARENT_SCOPE)
endfunction()
slices(4 "asan-ubsan tests" "tsan tests")
slices(8 "baseline tests" "release tests")
slices(16 mutants)
list(APPEND parts "asan-ubsan examples" "tsan examples" "clang examples" "clang headers"
     "release benchmarks")
list(LENGTH parts count)
if(LIST)
  list(JOIN parts "\n" names)
  message("${names}")
  return()
endif()

install_packages(${library_packages} ${example_packages} ${test_packages})
unset(ENV{OPENBLAS_CORETYPE})

# configure(preset option...): in a folder of its own, so that presets' own builds stay as they are.
function(configure preset)
  run(${CMAKE_COMMAND} --preset ${preset} -B build/part-${preset} ${ARGN})
endfunction()

function(run_part part)
  string(REPLACE " " ";" words "${part}")
  if(part MATCHES "^mutants (.*)$")
    run(${CMAKE_COMMAND} -DPART=${CMAKE_MATCH_1} -P tests/mutants/run.cmake)
    return()
  endif()
  list(GET words 0 preset)
  list(GET words 1 what)
  set(build build/part-${preset})
  if(what STREQUAL "tests")
    list(GET words 2 slice)
    set(unoptimized)
    if(preset MATCHES "san$") # takes longer to optimize than to run
      set(unoptimized "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0 -g1")
    endif()
    configure(${preset} -DTUTELAGE_EXAMPLES=OFF -DTUTELAGE_BENCHMARKS=OFF -DTUTELAGE_UNIT_TESTS=ON
              -DTUTELAGE_WHOLE_TESTS=OFF -DTUTELAGE_SLICE=${slice} ${unoptimized})
    run(${CMAKE_COMMAND} --build ${build})
    run(${CMAKE_CTEST_COMMAND} --test-dir ${build} -j 2 --output-on-failure --no-tests=error)
  elseif(what STREQUAL "examples")
    configure(${preset} -DTUTELAGE_EXAMPLES=ON -DTUTELAGE_BENCHMARKS=OFF -DTUTELAGE_UNIT_TESTS=OFF
              -DTUTELAGE_WHOLE_TESTS=ON)
    run(${CMAKE_COMMAND} --build ${build} --target examples/all)
    run(${CMAKE_CTEST_COMMAND} --test-dir ${build} -j 2 --output-on-failure --no-tests=error
        -R "^(readme|examples)")
  elseif(what STREQUAL "headers")
    configure(${preset} -DTUTELAGE_EXAMPLES=OFF -DTUTELAGE_BENCHMARKS=OFF)
    run(${CMAKE_COMMAND} --build ${build} --target all_verify_interface_header_sets)
  elseif(what STREQUAL "benchmarks")
    configure(${preset} -DTUTELAGE_EXAMPLES=OFF -DTUTELAGE_TESTS=OFF -DTUTELAGE_BENCHMARKS=ON)
    run(${CMAKE_COMMAND} --build ${build} --target benchmarks/all)
  else()
    message(FATAL_ERROR "part.cmake: no such part: ${part}")
  endif()
endfunction()

if(DEFINED PARTS)
  set(chosen 0)
  foreach(part IN LISTS parts)
    if(PARTS STREQUAL "all" OR part MATCHES "^${PARTS}$")
      message(STATUS "part: ${part}")
      run_part("${part}")
      math(EXPR chosen "${chosen} + 1")
    endif()
  endforeach()
  if(chosen EQUAL 0)
    message(FATAL_ERROR "part.cmake: no part is called ${PARTS}; -DLIST=ON shows them")
  endif()
  return()
endif()

execute_process(
  COMMAND git rev-parse HEAD
  WORKING_DIRECTORY ${project_dir}
  OUTPUT_VARIABLE hash
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE no_commit)
if(NOT no_commit STREQUAL "0")
  message(STATUS "not in a git repository: no hash, the first part")
  set(hash 0000000)
endif()
string(SUBSTRING ${hash} 0 7 digits)
math(EXPR place "0x${digits} % ${count}")
string(TIMESTAMP begun "%s")
foreach(i RANGE 1 ${count})
  list(GET parts ${place} part)
  message(STATUS "part ${place} of ${count}, by commit ${digits}: ${part}")
  run_part("${part}")
  string(TIMESTAMP now "%s")
  math(EXPR spent "${now} - ${begun}")
  message(STATUS "part ${place} passed; ${spent} s")
  math(EXPR place "(${place} + 1) % ${count}")
  math(EXPR next "${spent} + ${spent} / ${i}") # if it takes as long as those before
  math(EXPR limit "${MINUTES} * 60")
  if(next GREATER limit)
    break()
  endif()
endforeach()
