# cmake -P cmake/bench.cmake: installs what is missing, builds the benchmarks and runs them on one
# thread, in several rounds, together with PyTorch and NumPy where Debian's python3-torch and
# python3-numpy are installed. Ends with tables of ratios. -DROUNDS=n before -P says how many
# rounds; 5 without. -DCORETYPE=SkylakeX names OpenBLAS's kernels where it does not know the processor.
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
install_packages(${library_packages} ${benchmark_packages})
unset(ENV{OPENBLAS_CORETYPE})
if(DEFINED CORETYPE)
  set(ENV{OPENBLAS_CORETYPE} ${CORETYPE})
endif()
if(NOT DEFINED ROUNDS)
  set(ROUNDS 5)
endif()

set(build ${project_dir}/build/bench)
run(${CMAKE_COMMAND} -S . -B ${build} -G Ninja -DCMAKE_BUILD_TYPE=Release -DTUTELAGE_TESTS=OFF
    -DTUTELAGE_EXAMPLES=OFF -DTUTELAGE_BENCHMARKS=ON)
run(${CMAKE_COMMAND} --build ${build})

# find_python(variable module): the Python that has a module; empty when none has.
function(find_python variable module)
  foreach(python IN ITEMS /usr/bin/python3 python3)
    execute_process(COMMAND ${python} -c "import ${module}" RESULT_VARIABLE missing OUTPUT_QUIET
                    ERROR_QUIET)
    if(missing STREQUAL "0")
      set(${variable} ${python} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(STATUS "python3-${module} is not installed: no comparison with it")
endfunction()
find_python(torch torch)
find_python(numpy numpy)

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
  if(torch)
    foreach(question IN ITEMS training_step gradient_rule convolution)
      run(${torch} benchmarks/peers/${question}.py ${results}/torch-${question}-${round}.json)
    endforeach()
  endif()
  if(numpy)
    foreach(question IN ITEMS population determinants)
      run(${numpy} benchmarks/peers/${question}.py ${results}/numpy-${question}-${round}.json)
    endforeach()
  endif()
endforeach()
file(GLOB files ${results}/*.json)
run(${build}/benchmarks/bench_table ${files})
run(${build}/benchmarks/compile_time)
