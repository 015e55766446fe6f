# Changes one line of a header at a time and builds and runs its tests: each change must be caught.
#
#   cmake [-DONLY=analysis/pruning] [-DPART=3/8] [-DJOBS=2] [-DBUILD=folder] -P tests/mutants/run.cmake
#
# tests/mutants/a/b.txt lists changes of include/tutelage/a/b.hpp that tests/a/b.cpp, or the tests that
# its first line "test: c/d.cpp e/f.cpp" names, must catch. A change is
#
#   # in words, what it breaks
#   - a line of the header without its leading blanks
#   + what takes its place
#
# and between the first two, where a change cannot be caught, "survives: reason". A line that the
# header does not have exactly once, a change that survives without a reason or is caught in spite of
# one, and more than 3% of survivors are failures. PART=i/n takes every n-th change from the i-th on.
cmake_minimum_required(VERSION 3.25)
get_filename_component(top ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
if(NOT DEFINED BUILD)
  set(BUILD ${top}/build/mutants)
endif()
if(NOT DEFINED JOBS)
  set(JOBS 2)
endif()
if(NOT DEFINED PART)
  set(PART 1/1)
endif()
if(NOT PART MATCHES "^([0-9]+)/([0-9]+)$")
  message(FATAL_ERROR "PART: takes i/n, got ${PART}")
endif()
set(part ${CMAKE_MATCH_1})
set(parts ${CMAKE_MATCH_2})
find_program(cxx clang++ REQUIRED)
find_program(ninja NAMES ninja ninja-build REQUIRED)

# ---- The changes ---------------------------------------------------------------------------------

# Source text holds semicolons and brackets, CMake's list syntax: lines are only ever quoted strings.
set(wrong "")
set(count 0)
set(place 0)
set(controls)

# The line that `text` begins with goes to `line`.
macro(next_line)
  string(FIND "${text}" "\n" end)
  string(SUBSTRING "${text}" 0 ${end} line)
  math(EXPR end "${end} + 1")
  string(SUBSTRING "${text}" ${end} -1 text)
endmacro()

# One more change, if it is in this part: overlay ${BUILD}/${count}/tutelage/..., settings in ${count}_*.
macro(add_change)
  math(EXPR place "${place} % ${parts} + 1")
  if(place EQUAL part)
    string(FIND "${content}" "\n${old}\n" first)
    string(FIND "${content}" "\n${old}\n" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
      string(APPEND wrong "stale: ${name}.txt: not exactly once in the header: ${old}\n")
    else()
      math(EXPR count "${count} + 1")
      string(REPLACE "\n${old}\n" "\n${line}\n" changed "${content}")
      file(WRITE ${BUILD}/${count}/tutelage/${name}.hpp "${changed}")
      set(${count}_title "${name}: ${title}")
      set(${count}_change "  - ${old}\n  + ${line}")
      set(${count}_reason "${reason}")
      set(${count}_tests ${tests})
      list(APPEND controls ${tests})
    endif()
  endif()
endmacro()

file(REMOVE_RECURSE ${BUILD})
file(GLOB_RECURSE lists RELATIVE ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/*.txt)
foreach(list IN LISTS lists)
  string(REGEX REPLACE "\\.txt$" "" name ${list})
  if(DEFINED ONLY AND NOT name MATCHES "^${ONLY}")
    continue()
  endif()
  if(NOT EXISTS ${top}/include/tutelage/${name}.hpp)
    string(APPEND wrong "stale: ${list}: no such header\n")
    continue()
  endif()
  file(READ ${top}/include/tutelage/${name}.hpp content)
  string(REGEX REPLACE "\n +" "\n" content "\n${content}")
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${list} text)
  string(APPEND text "\n")
  set(tests ${name}.cpp)
  set(title "")
  set(reason "")
  set(old "")
  while(NOT text STREQUAL "")
    next_line()
    if(line MATCHES "^test: (.+)$")
      string(REPLACE " " ";" tests "${CMAKE_MATCH_1}")
    elseif(line MATCHES "^# (.+)$")
      set(title "${CMAKE_MATCH_1}")
    elseif(line MATCHES "^survives: (.+)$")
      set(reason "${CMAKE_MATCH_1}")
    elseif(line MATCHES "^- ")
      string(SUBSTRING "${line}" 2 -1 old)
    elseif(line MATCHES "^[+]( |$)" AND NOT old STREQUAL "" AND NOT title STREQUAL "")
      string(REGEX REPLACE "^[+] ?" "" line "${line}")
      add_change()
      set(title "")
      set(reason "")
      set(old "")
    elseif(NOT line STREQUAL "")
      string(APPEND wrong "${list}: not understood: ${line}\n")
    endif()
  endwhile()
  if(NOT old STREQUAL "" OR NOT title STREQUAL "")
    string(APPEND wrong "${list}: its last change is not whole\n")
  endif()
endforeach()
if(count EQUAL 0)
  message(FATAL_ERROR "mutants: no change is chosen\n${wrong}")
endif()

# ---- Build and run all of them -------------------------------------------------------------------

# What tests include of other libraries is precompiled, what they link is compiled, once.
file(GLOB support ${top}/tests/support/*.cpp)
set(flags "-std=c++20 -O0 -march=native -pthread -I${top}/tests")
set(build "rule precompile
  command = ${cxx} ${flags} -fpch-instantiate-templates -x c++-header $in -o $out
rule support
  command = ${cxx} ${flags} -I${top}/include -DORACLES='\"${top}/tests/data/oracles\"' -c $in -o $out
rule change
  command = (${cxx} ${flags} -include-pch ${BUILD}/libraries.hpp.pch -I$folder -I${top}/include $sources $
    $objects -o $folder/test -lopenblas -llapack -lz || exit 99; $
    timeout 300 $folder/test --abort-after=1) > $folder/log 2>&1; echo $$? > $out; rm -f $folder/test
  description = $folder
build ${BUILD}/libraries.hpp.pch: precompile ${CMAKE_CURRENT_LIST_DIR}/libraries.hpp
")
file(COPY ${CMAKE_CURRENT_LIST_DIR}/libraries.hpp DESTINATION ${BUILD})
set(objects "")
foreach(source IN LISTS support)
  get_filename_component(object ${source} NAME_WE)
  string(APPEND build "build ${BUILD}/${object}.o: support ${source}\n")
  string(APPEND objects " ${BUILD}/${object}.o")
endforeach()

# run(folder tests): an edge that leaves the exit code of these tests in folder/code.
function(run folder)
  list(TRANSFORM ARGN PREPEND ${top}/tests/ OUTPUT_VARIABLE sources)
  string(JOIN " " sources ${sources})
  file(MAKE_DIRECTORY ${folder})
  set(build "${build}build ${folder}/code: change ${sources} | ${BUILD}/libraries.hpp.pch${objects}
  folder = ${folder}
  sources = ${sources}
  objects =${objects}
" PARENT_SCOPE)
endfunction()
list(REMOVE_DUPLICATES controls)
foreach(test IN LISTS controls) # unchanged, every test passes
  string(REPLACE "/" "_" folder ${test})
  run(${BUILD}/${folder} ${test})
endforeach()
foreach(i RANGE 1 ${count})
  run(${BUILD}/${i} ${${i}_tests})
endforeach()
file(WRITE ${BUILD}/build.ninja "${build}")
execute_process(COMMAND ${ninja} -C ${BUILD} -j ${JOBS} COMMAND_ERROR_IS_FATAL ANY)

# ---- What came of it -----------------------------------------------------------------------------

foreach(test IN LISTS controls)
  string(REPLACE "/" "_" folder ${test})
  file(STRINGS ${BUILD}/${folder}/code code)
  if(NOT code EQUAL 0)
    file(READ ${BUILD}/${folder}/log log LIMIT 3000)
    string(APPEND wrong "${test} fails without any change (${code}):\n${log}\n")
  endif()
endforeach()
set(survivors 0)
set(uncompiled 0)
foreach(i RANGE 1 ${count})
  file(STRINGS ${BUILD}/${i}/code code)
  if(code EQUAL 0)
    math(EXPR survivors "${survivors} + 1")
    message(STATUS "survived: ${${i}_title}\n${${i}_change}")
    if("${${i}_reason}" STREQUAL "")
      string(APPEND wrong "survived: ${${i}_title}\n${${i}_change}\n")
    else()
      message(STATUS "  because ${${i}_reason}")
    endif()
  elseif(NOT "${${i}_reason}" STREQUAL "")
    string(APPEND wrong "caught, though said to survive: ${${i}_title}\n")
  elseif(code EQUAL 99)
    math(EXPR uncompiled "${uncompiled} + 1")
    message(STATUS "caught by the compiler: ${${i}_title}")
  endif()
endforeach()
math(EXPR killed "${count} - ${survivors}")
math(EXPR allowed "(${count} * 3 + 99) / 100")
message(STATUS "mutants: ${killed} of ${count} caught, ${uncompiled} of them by the compiler")
if(survivors GREATER allowed)
  string(APPEND wrong "${survivors} of ${count} survived, at most 3% may\n")
endif()
if(NOT wrong STREQUAL "")
  message(FATAL_ERROR "mutants:\n${wrong}")
endif()
