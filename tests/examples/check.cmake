# Runs the example programs as a user would. cmake -DPROGRAMS=folder -DSCRATCH=folder -P check.cmake
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

# runs(program arguments...) must succeed; standard output is left in `printed`.
function(runs program)
  execute_process(
    COMMAND ${PROGRAMS}/${program} ${ARGN}
    WORKING_DIRECTORY ${SCRATCH}
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE problems
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${program} ${ARGN}: exit code ${code}\n${problems}")
  endif()
  set(printed "${printed}" PARENT_SCOPE)
endfunction()

# fails(code sentence program arguments...) must exit with `code`, say `sentence` in one line of its own
# and print nothing else of note.
function(fails code sentence program)
  execute_process(
    COMMAND ${PROGRAMS}/${program} ${ARGN}
    WORKING_DIRECTORY ${SCRATCH}
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE problems
    RESULT_VARIABLE got)
  if(NOT got EQUAL ${code})
    message(SEND_ERROR "${program} ${ARGN}: exit code ${got}, expected ${code}\n${problems}")
  endif()
  string(FIND "${problems}" "${sentence}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "${program} ${ARGN}: not said: ${sentence}\n${problems}")
  endif()
  if(NOT printed STREQUAL "")
    message(SEND_ERROR "${program} ${ARGN}: printed ${printed}")
  endif()
endfunction()

function(expect actual operator expected)
  if(NOT "${actual}" ${operator} "${expected}")
    message(SEND_ERROR "${actual}: not ${operator} ${expected}")
  endif()
endfunction()

function(exists file)
  if(NOT EXISTS ${SCRATCH}/${file})
    message(SEND_ERROR "${file} was not written")
  endif()
endfunction()

# ---- specialization: JSON, files, deep networks, images ---------------------------------------------

runs(specialization --json result.json --out figures --threads 1)
expect("${printed}" MATCHES "10 of 10 teacher nodes covered")
file(READ ${SCRATCH}/result.json json)
string(JSON covered GET "${json}" runs 0 covered 0.95)
expect(${covered} EQUAL 10)
string(JSON rho_mean GET "${json}" runs 0 rho_mean)
expect(${rho_mean} GREATER 0.999)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 10)
string(JSON students LENGTH "${json}" runs 0 students)
expect(${students} EQUAL 50)
foreach(field IN ITEMS index fan_out_norm best_student correlation angle bias_gap matches)
  string(JSON value GET "${json}" runs 0 teachers 9 ${field})
endforeach()
foreach(field IN ITEMS index best_teacher correlation fan_out_norm)
  string(JSON value GET "${json}" runs 0 students 49 ${field})
endforeach()
foreach(field IN ITEMS seed train_loss eval_loss seconds)
  string(JSON value GET "${json}" runs 0 ${field})
endforeach()
foreach(path IN ITEMS "observers;tau" "observers;teachers;9;kappa" "observers;teachers;9;two_sided"
                      "critical;layers;1;batch_max" "critical;layers;0;percentile_99"
                      "bounds;teachers;9;smallest_eps" "bounds;teachers;9;failing" "bounds;eta"
                      "pruning;merged_width" "pruning;unmatched_strength")
  string(JSON value GET "${json}" runs 0 ${path})
endforeach()
string(JSON outcome GET "${json}" runs 0 bounds teachers 0 outcome)
expect(${outcome} STREQUAL fails) # 100 inputs need more samples
string(JSON change GET "${json}" runs 0 pruning pruned_change)
expect(${change} LESS 0.05)
foreach(file IN ITEMS history.csv nodes.csv specialization.svg specialization.png dynamics.svg
                      dynamics.png)
  exists(figures/${file})
endforeach()
file(STRINGS ${SCRATCH}/figures/history.csv history)
list(LENGTH history lines)
expect(${lines} EQUAL 22) # the names, before training, 20 epochs

# The same numbers whatever the number of threads.
function(numbers variable)
  runs(specialization --epochs 2 --samples 2000 --eval-samples 500 --json - --quiet ${ARGN})
  string(REGEX REPLACE "\"seconds\": [^\n]*\n" "" printed "${printed}")
  set(${variable} "${printed}" PARENT_SCOPE)
endfunction()
numbers(one_thread --seeds 1-3 --threads 1)
numbers(two_threads --seeds 1-3 --threads 2)
expect("${one_thread}" STREQUAL "${two_threads}")
numbers(third_alone --seeds 3)
string(JSON in_three GET "${one_thread}" runs 2)
string(JSON alone GET "${third_alone}" runs 0)
expect("${in_three}" STREQUAL "${alone}")

# Both scalars, losses and starts; deep and leaky; uniform inputs; everything at its smallest.
runs(specialization --scalar float --epochs 3 --json float.json)
runs(specialization --teacher 6-5-4-3 --leaky 0.01 --student-init default --input uniform
     --teacher-bias uniform --samples 500 --eval-samples 300 --epochs 2 --json deep.json --out deep)
file(READ ${SCRATCH}/deep.json json)
string(JSON layers LENGTH "${json}" runs 0 layers)
expect(${layers} EQUAL 2)
string(JSON type TYPE "${json}" runs 0 layers 1 teachers 0 angle)
expect(${type} STREQUAL NULL)
string(JSON type TYPE "${json}" runs 0 bounds)
expect(${type} STREQUAL NULL) # two layers only
string(JSON layers LENGTH "${json}" runs 0 critical layers)
expect(${layers} EQUAL 3)
runs(specialization --published deep --teacher 20-10-15-20-25-100 --over-realization 2
     --samples 1000 --eval-samples 500 --epochs 2)
expect("${printed}" MATCHES "hidden layer 4")
runs(specialization --loss cross-entropy --teacher-bias tuned --epochs 1 --samples 1000)
runs(specialization --teacher 1-1-1 --over-realization 0.1 --samples 1 --eval-samples 1 --batch 1
     --steps-per-epoch 1 --epochs 1)
runs(specialization --epochs 0)
runs(specialization --help)
if(EXISTS /usr/share/datasets/fashion-mnist)
  runs(specialization --input fashion-mnist --scalar float --samples 20000 --eval-samples 2000
       --teacher-epochs 2 --epochs 2 --json images.json)
  file(READ ${SCRATCH}/images.json json)
  string(JSON accuracy GET "${json}" runs 0 teacher_accuracy)
  expect(${accuracy} GREATER 0.8)
endif()

# ---- What a user may get wrong -----------------------------------------------------------------------

fails(2 "The following argument was not expected: --widths" specialization --widths)
fails(2 "--teacher: widths are whole numbers from 1 to 1000000 joined by '-', as in 100-10-50; got 10-0-5"
      specialization --teacher 10-0-5)
fails(2 "--teacher: takes an input width, 1 to 7 hidden widths and an output width; got 10-5"
      specialization --teacher 10-5)
fails(2 "--over-realization: is a number above 0 on; got -1" specialization --over-realization -1)
fails(2 "--seeds: is a number, a range 1-32 or a list 1,5,9; got 5-1" specialization --seeds 5-1)
fails(2 "--learning-rate: is a number, or rates by epoch 0:0.2,20:0.1; got fast"
      specialization --learning-rate fast)
fails(2 "--student-init: is a number or default; got x" specialization --student-init x)
fails(1 "specialization: training diverged at step" specialization --learning-rate 1000
      --json never.json --out never)
fails(1 "specialization: cannot open nowhere/train-images-idx3-ubyte.gz: No such file or directory"
      specialization --input nowhere/ --json never.json --out never)
fails(1 "distinct columns" specialization --teacher 1-10-3 --json never.json --out never)
file(WRITE ${SCRATCH}/cut-train-images-idx3-ubyte "abc")
fails(1 "byte 3: magic number: the file is cut off" specialization --input cut- --json never.json)
if(EXISTS /usr/share/datasets/fashion-mnist)
  fails(1 "specialization: --teacher takes 100 inputs, the images have 784" specialization
        --teacher 100-10-10 --input fashion-mnist --json never.json)
endif()
file(WRITE ${SCRATCH}/file "")
fails(1 "file" specialization --epochs 0 --quiet --json file/result.json)
fails(1 "file" specialization --epochs 0 --quiet --out file/figures)
if(EXISTS ${SCRATCH}/never.json OR EXISTS ${SCRATCH}/never)
  message(SEND_ERROR "a failed run left files")
endif()

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

# ---- convergence_2d -----------------------------------------------------------------------------------

runs(convergence_2d --out plane)
expect("${printed}" MATCHES "2 of 2 teacher nodes covered")
foreach(file IN ITEMS convergence_2d.csv convergence_2d.svg convergence_2d.png)
  exists(plane/${file})
endforeach()
fails(2 "--epochs" convergence_2d --epochs 0)

# ---- angular_distance ---------------------------------------------------------------------------------

runs(angular_distance --quick --out angular --threads 1)
set(one_thread "${printed}")
expect("${printed}" MATCHES "Conjecture 5.5 does not hold for every")
if("${printed}" MATCHES "VIOLATION|NOT PROVED")
  message(SEND_ERROR "angular_distance: ${printed}")
endif()
foreach(file IN ITEMS random.csv search.csv histogram.csv figure2.csv figure3.csv figure2.svg
                      figure3.svg figure4.svg figure4.png)
  exists(angular/${file})
endforeach()
file(STRINGS ${SCRATCH}/angular/random.csv lines)
list(LENGTH lines count)
expect(${count} EQUAL 8) # the names, m = 3 to 9
foreach(line IN LISTS lines)
  if(NOT line MATCHES "^m,")
    expect("${line}" MATCHES "^[3-9],20000,[0-9]+,[0-9]+,0,0,-")
  endif()
endforeach()
runs(angular_distance --quick --out angular --threads 2)
expect("${printed}" STREQUAL "${one_thread}")
fails(2 "--sets" angular_distance --sets 0)

# ---- convergence_bounds -------------------------------------------------------------------------------

runs(convergence_bounds --quick --out bounds --threads 1)
set(one_thread "${printed}")
expect("${printed}" MATCHES "repaired [^\n]* gamma 0")
string(REGEX MATCHALL "within the bound" within "${printed}")
list(LENGTH within count)
expect(${count} EQUAL 5)
if("${printed}" MATCHES "VIOLATED")
  message(SEND_ERROR "convergence_bounds: ${printed}")
endif()
foreach(file IN ITEMS bounds.csv bounds.svg bounds.png figure7.csv figure7.svg figure7.png)
  exists(bounds/${file})
endforeach()
runs(convergence_bounds --quick --out bounds --threads 2)
expect("${printed}" STREQUAL "${one_thread}")
fails(2 "--seeds" convergence_bounds --seeds 0)

# ---- orthonormal_target -------------------------------------------------------------------------------

runs(orthonormal_target --quick --out orthonormal --threads 1)
set(one_thread "${printed}")
expect("${printed}" MATCHES "a stuck one: [^\n]* 0 eigenvalues below 0")
expect("${printed}" MATCHES "\n   40 [^\n]* 0 +0 +0\n") # neither minima nor saddles nor slow ones
expect("${printed}" MATCHES "closed  *[0-9.]*e-1[0-9]")
foreach(file IN ITEMS losses.csv losses.svg losses.png degrees.svg particles.csv particles.svg)
  exists(orthonormal/${file})
endforeach()
runs(orthonormal_target --quick --out orthonormal --threads 2)
expect("${printed}" STREQUAL "${one_thread}")
fails(2 "--d" orthonormal_target --d 1)

# ---- population_flow --------------------------------------------------------------------------------

runs(population_flow --quick --out flow)
expect("${printed}" MATCHES "loss [0-9.e-]+ at time 20, after")
foreach(file IN ITEMS population_flow.csv population_flow_field.csv population_flow.svg
                      population_flow.png)
  exists(flow/${file})
endforeach()
runs(population_flow --out flow)
expect("${printed}" MATCHES "loss [0-9.]+e-07 at time 500")
expect("${printed}" MATCHES "Hessian: 0 negative")
runs(population_flow --quick --projected --fixed-fan-out --teachers 1 --students 1 --out flow)
expect("${printed}" MATCHES "wrote flow/population_flow.csv")
fails(2 "--students" population_flow --students 0)
fails(2 "--until" population_flow --until -1)

# ---- online_learning --------------------------------------------------------------------------------

runs(online_learning --quick --out online)
foreach(file IN ITEMS online_learning.csv online_learning.svg online_learning.png)
  exists(online/${file})
endforeach()
file(STRINGS ${SCRATCH}/online/online_learning.csv lines)
list(LENGTH lines count)
expect(${count} EQUAL 325) # the names, 81 points of the mean, the flow and 2 runs
fails(2 "--rate" online_learning --rate 0)

# ---- sweep: stopped anywhere, it goes on and ends with the same file ---------------------------------

set(small --teachers 3,4 --over-realization 1,2 --polarity 0,1 --seeds 1-2 --epochs 3
    --steps-per-epoch 20 --samples 200 --eval-samples 100)
runs(sweep ${small} --out whole --threads 1)
foreach(file IN ITEMS runs.jsonl students.csv success.csv dynamics.csv loss.csv figure5-m3.svg
                      figure7-m4.svg figure8-m4.png loss-m3.png)
  exists(whole/${file})
endforeach()
file(READ ${SCRATCH}/whole/runs.jsonl whole)
file(STRINGS ${SCRATCH}/whole/runs.jsonl lines)
list(LENGTH lines count)
expect(${count} EQUAL 17) # the settings and 16 runs
string(LENGTH "${whole}" size)
foreach(percent IN ITEMS 0 1 37 80 99)
  math(EXPR kept "${size} * ${percent} / 100")
  string(SUBSTRING "${whole}" 0 ${kept} part)
  file(WRITE ${SCRATCH}/part/runs.jsonl "${part}")
  runs(sweep ${small} --out part --threads 2 --quiet)
  file(READ ${SCRATCH}/part/runs.jsonl resumed)
  expect("${resumed}" STREQUAL "${whole}")
endforeach()
fails(1 "settings: of another sweep" sweep --epochs 4 --out whole --quiet)
file(APPEND ${SCRATCH}/part/runs.jsonl "{}\n")
fails(1 "part/runs.jsonl: byte" sweep ${small} --out part --quiet)
fails(2 "--seeds: is a number, a range 1-32 or a list 1,5,9; got 0-" sweep --seeds 0-)

# ---- pruning, dataset, noisy_recovery ------------------------------------------------------------------

foreach(program IN ITEMS pruning dataset noisy_recovery)
  runs(${program} --quick --out ${program})
  foreach(type IN ITEMS csv json svg png)
    exists(${program}/${program}.${type})
  endforeach()
  fails(2 "The following argument was not expected: --fast" ${program} --fast)
endforeach()
file(READ ${SCRATCH}/dataset/dataset.json json)
string(JSON rows LENGTH "${json}")
expect(${rows} EQUAL 7)
string(JSON gaussian GET "${json}" 3 gaussian)
string(JSON aware GET "${json}" 3 aware)
expect(${aware} LESS ${gaussian}) # at 500 samples

file(GLOB_RECURSE parts ${SCRATCH}/*.part ${SCRATCH}/*.??????)
list(FILTER parts INCLUDE REGEX "(\\.part|\\.json\\.......)$")
if(parts)
  message(SEND_ERROR "temporary files were left: ${parts}")
endif()
