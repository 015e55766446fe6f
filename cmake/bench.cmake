# cmake -P cmake/bench.cmake: installs what is missing, builds the benchmarks and runs them on one
# thread, in several rounds, together with NumPy, and PyTorch where python3-torch is installed. Ends with
# one table of ratios. -DROUNDS=n before -P says how many rounds; 5 without.
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
install_packages(${library_packages} ${benchmark_packages})
unset(ENV{OPENBLAS_CORETYPE})
if(NOT DEFINED ROUNDS)
  set(ROUNDS 5)
endif()

set(build ${project_dir}/build/bench)
run(${CMAKE_COMMAND} -S . -B ${build} -G Ninja -DCMAKE_BUILD_TYPE=Release -DTUTELAGE_TESTS=OFF
    -DTUTELAGE_EXAMPLES=OFF -DTUTELAGE_BENCHMARKS=ON)
run(${CMAKE_COMMAND} --build ${build})

set(torch)
foreach(python IN ITEMS /usr/bin/python3 python3)
  execute_process(COMMAND ${python} -c "import torch" RESULT_VARIABLE no_torch OUTPUT_QUIET
                  ERROR_QUIET)
  if(no_torch STREQUAL "0")
    set(torch ${python})
    break()
  endif()
endforeach()
if(NOT torch)
  message(STATUS "python3-torch is not installed: no comparison with PyTorch")
endif()

set(numpy /usr/bin/python3)
execute_process(COMMAND ${numpy} -c "import numpy" RESULT_VARIABLE no_numpy OUTPUT_QUIET ERROR_QUIET)
if(NOT no_numpy STREQUAL "0")
  set(numpy)
  message(STATUS "python3-numpy is not installed: no comparison with NumPy")
endif()

file(GLOB programs ${build}/benchmarks/bench_*)
list(REMOVE_ITEM programs ${build}/benchmarks/bench_table)
set(results ${build}/results)
file(REMOVE_RECURSE ${results})
file(MAKE_DIRECTORY ${results})
foreach(round RANGE 1 ${ROUNDS})
  foreach(program IN LISTS programs)
    get_filename_component(name ${program} NAME)
    message(STATUS "round ${round} of ${ROUNDS}: ${name}")
    execute_process(
      COMMAND ${program} --benchmark_repetitions=9 --benchmark_min_time=0.01
              --benchmark_enable_random_interleaving=true
              --benchmark_out=${results}/${name}-${round}.json --benchmark_out_format=json
      OUTPUT_QUIET RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "failed (${failed}): ${name}")
    endif()
  endforeach()
  if(numpy)
    run(${numpy} benchmarks/peers/population.py ${results}/numpy-population-${round}.json)
  endif()
  if(torch)
    foreach(question IN ITEMS training_step gradient_rule)
      run(${torch} benchmarks/peers/${question}.py ${results}/torch-${question}-${round}.json)
    endforeach()
  endif()
endforeach()
file(GLOB files ${results}/*.json)
run(${build}/benchmarks/bench_table ${files})
run(${build}/benchmarks/compile_time)
