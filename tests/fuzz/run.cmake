# Gives each parser of targets.hpp and programs.hpp RUNS inputs that libFuzzer makes from tests/data/fuzz, under
# AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   cmake [-DONLY=npz] [-DRUNS=1000000] [-DBUILD=folder] [-DKEEP=ON] -P tests/fuzz/run.cmake
#
# A crash, a leak, an input of more than 10 s and an allocation of more than 256 MB are failures; the
# input lies in BUILD then. What is found is kept in BUILD/NAME and goes on from there: RUNS=100000000
# takes a day or two. KEEP=ON merges inputs that reach new code into tests/data/fuzz.
cmake_minimum_required(VERSION 3.25)
get_filename_component(top ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
if(NOT DEFINED BUILD)
  set(BUILD ${top}/build/fuzz)
endif()
if(NOT DEFINED RUNS)
  set(RUNS 1000000)
endif()
find_program(clang NAMES clang++ REQUIRED)
file(MAKE_DIRECTORY ${BUILD})
set(examples ${top}/examples)
set(of_rows ${examples}/sweep/rows.cpp ${examples}/sweep/run_key.cpp ${examples}/common/arguments.cpp)
set(of_layers ${examples}/inspect/sequence_text.cpp ${examples}/inspect/sequence.cpp
              ${examples}/common/arguments.cpp ${examples}/pair/print.cpp)
foreach(target IN ITEMS npy npz safetensors csv state checkpoint idx rows layers)
  if(DEFINED ONLY AND NOT ONLY STREQUAL target)
    continue()
  endif()
  set(corpus ${top}/tests/data/fuzz/${target})
  set(more)
  if(of_${target}) # sources of an example program
    set(more -DPROGRAMS -I${examples} ${of_${target}})
  endif()
  execute_process(
    COMMAND ${clang} -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
            -DTARGET=${target} -I${top}/include ${more} ${CMAKE_CURRENT_LIST_DIR}/fuzzer.cpp
            -o ${BUILD}/fuzz_${target} -lz -lopenblas
    COMMAND_ERROR_IS_FATAL ANY)
  file(MAKE_DIRECTORY ${BUILD}/${target})
  execute_process(
    COMMAND ${BUILD}/fuzz_${target} -runs=${RUNS} -timeout=10 -malloc_limit_mb=256 -max_len=2048
            -artifact_prefix=${BUILD}/${target}- -print_final_stats=1 -verbosity=0
            ${BUILD}/${target} ${corpus}
    COMMAND_ERROR_IS_FATAL ANY)
  if(KEEP)
    execute_process(COMMAND ${BUILD}/fuzz_${target} -merge=1 -max_len=512 ${corpus} ${BUILD}/${target}
                    COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
