include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

# ---- gradient_rule ------------------------------------------------------------------------------------

runs(gradient_rule --quick --json rule.json --out rule --threads 1)
file(READ ${SCRATCH}/rule.json json)
string(JSON snapshots LENGTH "${json}" snapshots)
expect(${snapshots} EQUAL 3)
foreach(snapshot IN ITEMS 0 1 2)
  string(JSON layers LENGTH "${json}" snapshots ${snapshot} layers)
  expect(${layers} EQUAL 4)
  string(JSON regions GET "${json}" snapshots ${snapshot} common_regions)
  expect(${regions} LESS_EQUAL 1024)
endforeach()
string(JSON before GET "${json}" snapshots 0 eval_loss)
string(JSON after GET "${json}" snapshots 2 eval_loss)
expect(${after} LESS ${before})
string(JSON rows LENGTH "${json}" snapshots 2 layers 3 H_star)
expect(${rows} EQUAL 50)
string(JSON columns LENGTH "${json}" snapshots 2 layers 3 beta_star 49)
expect(${columns} EQUAL 25)
foreach(field IN ITEMS best_teacher correlation beta_kk beta_kk_error)
  string(JSON value GET "${json}" snapshots 2 layers 0 students 19 ${field})
endforeach()
foreach(file IN ITEMS nodes.csv slice.csv beta.svg beta.png strengths.svg strengths.png plane.svg
                      plane.png)
  exists(rule/${file})
endforeach()

shows(rule/beta.svg student teacher)
shows(rule/strengths.svg "best correlation" "layer 4, epoch 10")
shows(rule/plane.svg "along the second input" student teacher)

# The same numbers whatever the number of threads.
foreach(threads IN ITEMS 1 2)
  runs(gradient_rule --quick --epochs 1 --samples 500 --json - --quiet --threads ${threads})
  string(REGEX REPLACE "\"seconds\": [^\n]*\n" "" numbers_${threads} "${printed}")
endforeach()
expect("${numbers_1}" STREQUAL "${numbers_2}")

runs(gradient_rule --teacher 3-2-2-2-2-1 --over-realization 1 --samples 64 --eval-samples 3
     --epochs 0 --quiet)
runs(gradient_rule --quick --separated --learning-rate 0.001 --epochs 1 --samples 500)
expect("${printed}" MATCHES "trained by the separated dynamics")
fails(2 "--teacher: is an input width, 4 hidden widths and an output width" gradient_rule --teacher
      10-5-5)
fails(2 "as in 20-10-15-20-25-20; got 1-2-3-4-5-6-7" gradient_rule --teacher 1-2-3-4-5-6-7)
fails(2 "--eval-samples" gradient_rule --eval-samples 2)
fails(1 "gradient_rule: training diverged" gradient_rule --quick --learning-rate 1e6 --json
      never.json --out never)

# ---- shards: the same bits on any number of ranks -------------------------------------------------------

# Sanitizers see neither what MPI keeps to the end nor how its threads agree.
set(ENV{ASAN_OPTIONS} detect_leaks=0)
set(ENV{TSAN_OPTIONS} ignore_noninstrumented_modules=1)
runs(shards --shards 5 --samples 3001)
set(alone "${printed}")
expect("${printed}" MATCHES "layer 2: rho_mean 0")
find_program(MPIRUN NAMES mpirun)
if(MPIRUN)
  set(ENV{OMPI_ALLOW_RUN_AS_ROOT} 1)
  set(ENV{OMPI_ALLOW_RUN_AS_ROOT_CONFIRM} 1)
  set(ENV{OMPI_MCA_rmaps_base_oversubscribe} 1)
  execute_process(
    COMMAND ${MPIRUN} -n 3 ${PROGRAMS}/shards --shards 5 --samples 3001
    OUTPUT_VARIABLE printed ERROR_VARIABLE problems RESULT_VARIABLE code)
  if("${problems}" MATCHES "on 3 ranks")
    expect(${code} EQUAL 0)
    expect("${printed}" STREQUAL "${alone}")
  else()
    message(STATUS "shards is not tested on several ranks: ${problems}")
  endif()
endif()
fails(2 "--shards" shards --shards 0)
