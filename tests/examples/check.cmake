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

# shell(script) must succeed in SCRATCH; what it prints is left in `printed`. $PROGRAMS is the programs'
# folder.
function(shell script)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PROGRAMS=${PROGRAMS} sh -euc "${script}"
    WORKING_DIRECTORY ${SCRATCH}
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE problems
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(SEND_ERROR "exit code ${code} of\n${script}\n${printed}${problems}")
  endif()
  set(printed "${printed}" PARENT_SCOPE)
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

# shows(figure text...): an SVG file whose texts hold each of these.
function(shows figure)
  exists(${figure})
  file(READ ${SCRATCH}/${figure} svg)
  foreach(text IN LISTS ARGN)
    string(FIND "${svg}" "${text}" place)
    if(place EQUAL -1)
      message(SEND_ERROR "${figure} does not show: ${text}")
    endif()
  endforeach()
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

# Training alone says the same of it.
numbers(third_trained --seeds 3 --no-analyses)
string(JSON trained GET "${third_trained}" runs 0)
foreach(section IN ITEMS local observers critical bounds pruning)
  string(JSON analyses REMOVE "${alone}" ${section}) # an error where there is none
  set(alone "${analyses}")
endforeach()
expect("${trained}" STREQUAL "${alone}")
string(JSON epochs LENGTH "${trained}" history teacher_rho)
expect(${epochs} EQUAL 3)

# Killed at any moment and started again, a run ends in the same bits; each seed has its file.
set(long specialization --teacher 20-5-5 --samples 500 --eval-samples 300 --epochs 100
         --steps-per-epoch 1000 --seeds 1-2 --no-analyses --quiet)
set(kept ${long} --checkpoint kept --checkpoint-every 1700)
list(JOIN kept " " command)
shell("for seconds in 0.1 0.2 0.3; do
         $PROGRAMS/${command} --json early.json & child=$!
         sleep $seconds; kill -9 $child || :; wait $child || :
       done")
foreach(run IN ITEMS long kept)
  runs(${${run}} --json -)
  string(REGEX REPLACE "\"seconds\": [^\n]*\n" "" ${run}_numbers "${printed}")
endforeach()
expect("${kept_numbers}" STREQUAL "${long_numbers}")
exists(kept.1)
exists(kept.2)
fails(1 "kept.1 is of another run: its configuration 'polarity 1.0', expected 'polarity 2.0'" ${kept}
      --polarity 2 --json never.json)
fails(2 "--checkpoint-every requires --checkpoint" specialization --checkpoint-every 5)

# Both scalars, losses and starts; deep and leaky; uniform inputs; everything at its smallest.
runs(specialization --scalar float --epochs 3 --json float.json)
runs(specialization --teacher 6-5-4-3 --leaky 0.01 --student-init default --input uniform
     --teacher-bias uniform --samples 500 --eval-samples 300 --epochs 2 --json deep.json --out deep)
file(READ ${SCRATCH}/deep.json json)
string(JSON layers LENGTH "${json}" runs 0 layers)
expect(${layers} EQUAL 2)
string(JSON type TYPE "${json}" runs 0 layers 1 teachers 0 angle)
expect(${type} STREQUAL NULL)
string(JSON teachers LENGTH "${json}" runs 0 bounds teachers) # of any depth
expect(${teachers} EQUAL 5)
string(JSON layers LENGTH "${json}" runs 0 critical layers)
expect(${layers} EQUAL 3)
runs(specialization --published deep --teacher 20-10-15-20-25-100 --over-realization 2
     --samples 1000 --eval-samples 500 --epochs 2)
expect("${printed}" MATCHES "hidden layer 4")
runs(specialization --loss cross-entropy --teacher-bias tuned --epochs 1 --samples 1000)
runs(specialization --teacher 1-1-1 --over-realization 0.1 --samples 1 --eval-samples 2 --batch 1
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
# A whole number below 0, or a number that is none, is no large one: in every program.
foreach(program IN ITEMS specialization sweep gradient_rule angular_distance convergence_bounds
                         orthonormal_target)
  fails(2 "--threads: is a whole number from 0 on; got -1" ${program} --threads -1)
endforeach()
fails(2 "--epochs: is a whole number from 0 on; got 2.5" specialization --epochs 2.5)
fails(2 "--seed: is a whole number from 0 on; got -3" convergence_2d --seed -3)
fails(2 "--polarity: is a finite number; got nan" specialization --polarity nan)
fails(2 "--std: is a finite number; got nan" gradient_rule --std nan)
fails(2 "quickstart: takes no arguments, got --seed" quickstart --seed 3)
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
set(nothing specialization --teacher 4-2-2 --samples 20 --eval-samples 20 --epochs 0 --quiet)
fails(1 "specialization: cannot create a temporary file beside file/result.json: Not a directory"
      ${nothing} --json file/result.json)
fails(1 "specialization: cannot make the folder file/figures: Not a directory" ${nothing} --out
      file/figures)
fails(1 "sweep: cannot make the folder file/runs: Not a directory" sweep --out file/runs --quiet)
fails(1 "dataset: cannot make the folder file/figures: Not a directory" dataset --quick --seeds 1 --out
      file/figures)
if(EXISTS ${SCRATCH}/never.json OR EXISTS ${SCRATCH}/never)
  message(SEND_ERROR "a failed run left files")
endif()

# ---- Where results go: links are followed, devices and FIFOs are written to and stay ------------------

file(WRITE ${SCRATCH}/real.json "")
file(CREATE_LINK real.json ${SCRATCH}/link.json SYMBOLIC)
runs(${nothing} --json link.json)
if(NOT IS_SYMLINK ${SCRATCH}/link.json)
  message(SEND_ERROR "--json replaced a link")
endif()
file(READ ${SCRATCH}/real.json json)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 2)
list(JOIN nothing " " command)
shell("mkfifo fifo; $PROGRAMS/${command} --json fifo & cat fifo > got; wait $!; test -p fifo
       test -s got
       $PROGRAMS/${command} --json /dev/stdout > redirected; test -s redirected")
file(READ ${SCRATCH}/got json)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 2)
file(READ ${SCRATCH}/redirected json)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 2)

# A full disk: a device that is always full behind a result's name, a table's, a figure's; and as
# standard output. The devices are the test's own: a fault must not cost the machine its.
execute_process(COMMAND sh -c "mknod null c 1 3 && mknod always_full c 1 7 && : > null"
                WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE code ERROR_QUIET)
if(code EQUAL 0)
  shell("$PROGRAMS/${command} --json null; test -c null")
  fails(1 "specialization: cannot write always_full: No space left on device" ${nothing} --json
        always_full)
  set(full ${SCRATCH}/always_full)
else()
  execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(user EQUAL 0)
    message(STATUS "a full disk is not tested: devices cannot be made")
  else()
    set(full /dev/full) # which only root could replace
  endif()
endif()
foreach(file IN ITEMS history.csv specialization.svg dynamics.png)
  if(NOT full)
    break()
  endif()
  file(REMOVE_RECURSE ${SCRATCH}/full)
  file(MAKE_DIRECTORY ${SCRATCH}/full)
  file(CREATE_LINK ${full} ${SCRATCH}/full/${file} SYMBOLIC)
  fails(1 "specialization: cannot write full/${file}: No space left on device" ${nothing} --out full)
endforeach()
foreach(command IN ITEMS "specialization --epochs 0" "convergence_2d --epochs 1 --out full")
  shell("! $PROGRAMS/${command} > /dev/full 2> said; grep -q 'cannot write to standard output' said")
endforeach()

# gnuplot: what it says is a failure, and so is a figure that is not whole; without it there is none.
function(with_gnuplot script sentence)
  file(WRITE ${SCRATCH}/bin/gnuplot "#!/bin/sh\n${script}\n")
  file(CHMOD ${SCRATCH}/bin/gnuplot PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  set(ENV{PATH} "${SCRATCH}/bin:$ENV{PATH}")
  file(REMOVE_RECURSE ${SCRATCH}/drawn)
  fails(1 "${sentence}" ${nothing} --out drawn)
  file(GLOB figures ${SCRATCH}/drawn/*.svg* ${SCRATCH}/drawn/*.png*)
  if(figures)
    message(SEND_ERROR "${sentence}: left ${figures}")
  endif()
endfunction()
set(path "$ENV{PATH}")
with_gnuplot("echo 'line 7: warning: nothing to plot' >&2" "line 7: warning: nothing to plot")
with_gnuplot("exit 3" "gnuplot on drawn/specialization: failed and did not say why")
with_gnuplot("kill -9 $$" "gnuplot on drawn/specialization: failed and did not say why")
with_gnuplot("exit 0" "gnuplot on drawn/specialization: the figure is not whole")
with_gnuplot("PATH='${path}'; ulimit -f 8; exec gnuplot \"$@\"" "gnuplot on drawn/specialization")
set(ENV{PATH} "${SCRATCH}/none")
runs(${nothing} --out undrawn)
set(ENV{PATH} "${path}")
exists(undrawn/history.csv)
if(EXISTS ${SCRATCH}/undrawn/specialization.svg)
  message(SEND_ERROR "drawn without gnuplot")
endif()

# ---- Images: a folder without its slash, and labels' files by name -----------------------------------

# Six images of 2 x 2 pixels in 10 classes or fewer; seven labels for the tests' images.
shell("mkdir images
       images() { printf '\\0\\0\\10\\3\\0\\0\\0\\6\\0\\0\\0\\2\\0\\0\\0\\2'
                  printf 'a1b2c3d4e5f6g7h8i9j0k1l2'; }
       labels() { printf '\\0\\0\\10\\1\\0\\0\\0\\'$1; printf $2; }
       images > images/train-images-idx3-ubyte
       images > images/t10k-images-idx3-ubyte
       labels 6 '\\0\\1\\2\\0\\1\\2' > images/train-labels-idx1-ubyte
       labels 6 '\\0\\1\\2\\0\\1\\2' > images/t10k-labels-idx1-ubyte
       cp -r images more; cp -r images short
       labels 7 '\\0\\1\\2\\0\\1\\2\\0' > more/t10k-labels-idx1-ubyte
       head -c 10 images/train-labels-idx1-ubyte > short/train-labels-idx1-ubyte")
set(tiny specialization --teacher 4-3-3 --teacher-epochs 1 --epochs 1 --batch 2 --steps-per-epoch 2)
runs(${tiny} --input images --json slash.json --quiet)
runs(${tiny} --input images/ --quiet)
fails(1 "specialization: more/t10k-labels-idx1-ubyte: byte 4: sizes: 7 labels, for 6 images" ${tiny}
      --input more)
fails(1 "specialization: short/train-labels-idx1-ubyte: byte 10" ${tiny} --input short)
fails(1 "specialization: images/train-labels-idx1-ubyte: label 2 is 2, the teacher has outputs 0 to 1"
      specialization --teacher 4-3-2 --input images)

# ---- What a program says when it is stopped ----------------------------------------------------------

foreach(signal IN ITEMS INT TERM)
  shell("env --default-signal=INT $PROGRAMS/specialization --epochs 100000 --json stopped.json 2> said &
         child=$!; sleep 1; kill -${signal} $child; code=0; wait $child || code=$?; test $code -gt 128
         grep -q '^specialization: stopped; nothing is kept' said; test ! -e stopped.json")
endforeach()

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

# ---- convergence_2d -----------------------------------------------------------------------------------

runs(convergence_2d --out plane)
expect("${printed}" MATCHES "2 of 2 teacher nodes covered")
foreach(file IN ITEMS convergence_2d.csv convergence_2d.svg convergence_2d.png)
  exists(plane/${file})
endforeach()
expect("${printed}" MATCHES "student  best teacher      rho  angle .deg.     .v.  .v..w.\n")
shows(plane/convergence_2d.svg "strength |v||w|" "teacher 1" "student 0" "student 5")
# In the end students that match no teacher have no strength, which is |v||w|.
string(REGEX MATCHALL "\n +[0-5] [^\n]*" students "${printed}")
list(LENGTH students count)
expect(${count} EQUAL 6)
foreach(student IN LISTS students)
  if(NOT student MATCHES "[01] +(0\\.9[5-9]|1\\.0)[0-9]* ")
    expect("${student}" MATCHES " 0\\.0[0-9]+$")
  endif()
endforeach()
shell("awk -F, 'NR > 1 { gap = $8 - $7 * sqrt($4^2 + $5^2); if (gap^2 > 1e-24) exit 1; rows++ }
       END { exit rows < 2 + 6 * 2001 }' plane/convergence_2d.csv")
fails(2 "--epochs" convergence_2d --epochs 0)

# ---- angular_distance ---------------------------------------------------------------------------------

runs(angular_distance --quick --out angular --threads 1)
set(one_thread "${printed}")
expect("${printed}" MATCHES "none of these properties implies the determinant condition")
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

set(small --axis teacher=100-3-50,100-4-50 --axis over-realization=1,2 --axis polarity=0,1 --seeds 1-2)
set(short -- --steps-per-epoch 20 --samples 200 --eval-samples 100)
runs(sweep ${small} --out whole --threads 1 ${short} --epochs 3)
expect("${printed}" MATCHES "over-realization  polarity   teacher  done  diverged  failed")
foreach(file IN ITEMS settings.json runs.jsonl provenance.jsonl summary.csv students.csv success.csv
                      dynamics.csv loss.csv figure5-m3-1.svg figure7-m4.svg figure8-m4.png loss-m3.png
                      history.svg)
  exists(whole/${file})
endforeach()
file(READ ${SCRATCH}/whole/runs.jsonl whole)
file(STRINGS ${SCRATCH}/whole/runs.jsonl lines)
list(LENGTH lines count)
expect(${count} EQUAL 16)
list(GET lines 15 line)
string(JSON status GET "${line}" status)
expect(${status} STREQUAL done)
string(JSON epochs GET "${line}" config epochs)
expect(${epochs} EQUAL 3)
string(JSON points LENGTH "${line}" results history eval_loss)
expect(${points} EQUAL 4)
file(STRINGS ${SCRATCH}/whole/provenance.jsonl lines)
list(LENGTH lines count)
expect(${count} EQUAL 16)
list(GET lines 0 line)
foreach(field IN ITEMS begun seconds processor_seconds version commit compiler processor blas_kernel host)
  string(JSON value GET "${line}" ${field})
endforeach()
# A run is the one that the program does alone.
runs(specialization --published two-layer --no-analyses --teacher 100-4-50 --over-realization 2
     --polarity 1 --seeds 2 --steps-per-epoch 20 --samples 200 --eval-samples 100 --epochs 3 --quiet
     --json -)
string(JSON alone GET "${printed}" runs 0 history)
file(STRINGS ${SCRATCH}/whole/runs.jsonl lines)
list(GET lines 15 line)
string(JSON swept GET "${line}" results history)
expect("${swept}" STREQUAL "${alone}")

# Cut anywhere: the merged file, and the journal that a row, a tab and a provenance a line make.
string(LENGTH "${whole}" size)
foreach(percent IN ITEMS 0 37 99)
  math(EXPR kept "${size} * ${percent} / 100")
  shell("rm -rf part; mkdir part; head -c ${kept} whole/runs.jsonl > part/runs.jsonl
         paste whole/runs.jsonl whole/provenance.jsonl > lines
         rm -rf journal; mkdir journal; head -c ${kept} lines > journal/journal-1.jsonl")
  foreach(folder IN ITEMS part journal)
    runs(sweep ${small} --out ${folder} --threads 2 --quiet ${short} --epochs 3)
    file(READ ${SCRATCH}/${folder}/runs.jsonl resumed)
    expect("${resumed}" STREQUAL "${whole}")
  endforeach()
endforeach()
# Figure 7 counts, for each teacher node, the seeds that recover it.
runs(sweep --axis teacher=100-4-50 --axis over-realization=2,5 --axis polarity=0,2,3,4 --seeds 1-3
     --out counted -- --epochs 6 --steps-per-epoch 300 --samples 1000 --eval-samples 500)
shows(counted/figure5-m4-1.svg "best correlation" "fan-out norm" "5x, p = 3")
shows(counted/figure5-m4-2.svg "2x, p = 4")
shows(counted/figure7-m4.svg "teacher node" "success rate" "p = 3" "5x" "solid: after 6 epochs")
shows(counted/figure8-m4.svg epoch correlation "p = 3" "blue: node 0")
shows(counted/loss-m4.svg epoch loss "p = 3" "median and quartiles" "5x")
shows(counted/value-rho_mean.svg polarity rho_mean "over-realization 5")
file(STRINGS ${SCRATCH}/counted/runs.jsonl lines)
set(some 0)
set(shares 0.0 0.3333333333333333 0.6666666666666666 1.0)
foreach(teacher IN ITEMS 0 1 2 3)
  foreach(epoch IN ITEMS 5 6)
    set(recovered 0)
    foreach(line IN LISTS lines)
      if(line MATCHES "^{\"axes\":{\"over-realization\":5,\"polarity\":2,")
        string(JSON rho GET "${line}" results history teacher_rho ${epoch} ${teacher})
        if(rho GREATER 0.95)
          math(EXPR recovered "${recovered} + 1")
        endif()
      endif()
    endforeach()
    math(EXPR some "${some} + ${recovered}")
    list(GET shares ${recovered} share)
    file(STRINGS ${SCRATCH}/counted/success.csv row REGEX "^4,5.0,2.0,${epoch},${teacher},")
    expect("${row}" STREQUAL "4,5.0,2.0,${epoch},${teacher},${share}")
  endforeach()
endforeach()
expect(${some} GREATER 3)
expect(${some} LESS 21)
shell("awk -F, 'NR > 1 && !($6 <= $5 && $5 <= $7) { exit 1 }' counted/loss.csv")
# Settings that only some over-realizations have leave panels empty.
runs(sweep --axis teacher=100-4-50 --axis over-realization=1 --axis polarity=2 --seeds 1-3 --out counted
     --quiet -- --epochs 6 --steps-per-epoch 300 --samples 1000 --eval-samples 500)

# Any flag of any program; tables and arrays of what it finds.
set(swept --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh)
runs(sweep ${swept} --axis a=1,2.0,10 --axis b=well,fine --seeds 1-2 --out table)
file(READ ${SCRATCH}/table/summary.csv summary)
string(FIND "${summary}" "a,b,done,diverged,failed,value_mean,value_std,value_min,value_max
1,fine,2,0,0,3.0,0.7071067811865476,2.5,3.5
1,well,2,0,0,3.0,0.7071067811865476,2.5,3.5
2,fine,2,0,0,4.0,0.7071067811865476,3.5,4.5
" place)
expect(${place} EQUAL 0)
shows(table/value-value.svg value "b fine" "b well")
runs(sweep --report table --value value,deep/list/1,deep/list --csv table.csv --npz table.npz --quiet)
file(READ ${SCRATCH}/table.csv csv)
string(FIND "${csv}" "a,b,seed,status,value,deep/list/1\n1,fine,1,done,2.5,1.0\n1,fine,2,done,3.5,2.0\n"
       place)
expect(${place} EQUAL 0)
execute_process(COMMAND python3 -c "import numpy" RESULT_VARIABLE no_numpy ERROR_QUIET)
if(no_numpy EQUAL 0)
  shell("python3 -c \"
import numpy
t = numpy.load('table.npz')
assert t['a'].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 10, 10, 10, 10], t['a']
assert t['b'].tolist() == ['fine', 'fine', 'well', 'well'] * 3, t['b']
assert t['seed'].tolist() == [1, 2] * 6 and t['status'].tolist() == ['done'] * 12
assert t['value'].tolist()[-2:] == [11.5, 12.5] and t['deep/list'].shape == (12, 2)
assert (t['deep/list'][:, 1] == t['seed']).all()
\"")
endif()
runs(sweep --program gradient_rule --axis separated=false,true --seeds 3 --keep eval_loss --out rules --quiet
     -- --quick --epochs 1 --samples 500 --learning-rate 0.001)
file(STRINGS ${SCRATCH}/rules/runs.jsonl lines REGEX "\"results\":{\"eval_loss\":|\"results\":{}")
list(LENGTH lines count)
expect(${count} EQUAL 2)

# How runs end is what their rows say; failures are no success, and can be tried again.
fails(1 "sweep: 4 of 6 runs failed, one of them at b words, seed 1: printed no JSON: at byte 1 of 13; --retry"
      sweep ${swept} --axis b=well,diverged,failed,killed,mended,words --out ends --quiet)
file(READ ${SCRATCH}/ends/runs.jsonl rows)
foreach(end IN ITEMS [["diverged"},"seed":1,"status":"diverged","message":"swept: training diverged at step 3"]]
                     [["failed"},"seed":1,"status":"failed","message":"swept: cannot go on"]]
                     [["killed"},"seed":1,"status":"failed","message":"ended by SIGSEGV"]]
                     [["mended"},"seed":1,"status":"failed","message":"swept: not yet"]]
                     [["well"},"seed":1,"status":"done"]])
  string(FIND "${rows}" "${end}" place)
  expect(${place} GREATER 0)
endforeach()
file(WRITE ${SCRATCH}/mended "")
fails(1 "sweep: 1 of 2 runs failed" sweep ${swept} --axis b=words,mended --out ends --quiet --retry)
file(STRINGS ${SCRATCH}/ends/runs.jsonl lines)
list(LENGTH lines count)
expect(${count} EQUAL 6)
runs(sweep ${swept} --axis b=mended --out ends --quiet)
fails(1 "the program refuses the command line of b refused, seed 1: --b: is another thing" sweep ${swept}
      --axis b=refused,well --out refused --quiet)
fails(1 "the program refuses the command line of polarity inf, seed 1: --polarity: is a finite number; got inf"
      sweep --program specialization --axis polarity=inf --out refused-too --quiet)

# One sweep a folder; a stopped one says what it keeps and how to go on.
file(MAKE_DIRECTORY ${SCRATCH}/locked)
shell("flock locked/lock sh -c '! $PROGRAMS/sweep --quick --quiet --out locked 2> said'
       grep -q '^sweep: another sweep is at work in locked: wait until it ends, or choose another --out$' said
       test ! -e locked/runs.jsonl")
shell("env --default-signal=INT $PROGRAMS/sweep --axis teacher=100-3-50 --axis over-realization=1 \\
         --axis polarity=0 --seeds 1-2000 --threads 1 --quiet --out stopped -- --epochs 2 \\
         --steps-per-epoch 100 --samples 200 --eval-samples 100 2> said &
       child=$!; until test \"$(cat stopped/journal-0.jsonl | wc -l)\" -gt 3; do sleep 0.05; done 2> /dev/null
       kill -INT $child; code=0; wait $child || code=$?; test $code -eq 130
       grep -Eq '^sweep: stopped; [0-9]+ runs are kept in stopped: the same command goes on' said")
runs(sweep --merge stopped)
file(STRINGS ${SCRATCH}/stopped/runs.jsonl lines)
list(LENGTH lines count)
expect(${count} GREATER 3)

fails(1 "there is another sweep in whole: epochs is 3 there, 4 here; samples is 200 there, not given here"
      sweep ${small} --out whole --quiet -- --epochs 4 --steps-per-epoch 20 --eval-samples 100)
fails(1 "the list of axes is a, b there, a here" sweep ${swept} --axis a=1 --out table --quiet)
file(APPEND ${SCRATCH}/part/runs.jsonl "{}\n")
fails(1 "run: has not axes, seed and status" sweep ${small} --out part --quiet ${short} --epochs 3)
fails(1 "--value: no run has a number nothing" sweep --report table --value nothing)
fails(1 "--value: deep/list of a 1, b fine, seed 1 is a list" sweep --report table --value deep/list)
fails(1 "--x: there is no axis c; axes are a, b" sweep --report table --x c)
fails(1 "cannot open nowhere/settings.json: No such file or directory" sweep --report nowhere)
fails(1 "--program is one beside sweep, or a path" sweep --program nothing --axis a=1)
fails(1 "specialization has no --polarty" sweep --program specialization --axis polarty=1 --out never)
fails(1 "--json is not for runs: sweep sets it" sweep ${swept} --out never -- --json x)
fails(1 "pruning has no --json: it cannot be swept" sweep --program pruning --out never)
fails(2 "--axis: a is there twice" sweep ${swept} --axis a=1 --axis a=2)
fails(2 "--axis: 1 is there twice in a=1,1.0" sweep ${swept} --axis a=1,1.0)
fails(2 "--axis: an empty value in a=1,,2" sweep ${swept} --axis a=1,,2)
fails(2 "--axis: is a flag and its values, as in polarity=0,1,2; got a" sweep ${swept} --axis a)
fails(2 "--a is there twice behind --" sweep ${swept} -- --a 1 --a 2)
fails(2 "--a is an axis: give --axis a=..." sweep ${swept} --axis a=1 -- --a 1)
fails(2 "--seeds: is a number, a range 1-32 or a list 1,5,9; got 0-" sweep --seeds 0-)
fails(2 "--seeds: 2 is there twice" sweep --seeds 1-3,2)
fails(2 "--rank: is from 0 to 1 with --of 2; got 2" sweep --rank 2 --of 2)
if(EXISTS ${SCRATCH}/never)
  message(SEND_ERROR "a refused sweep left files")
endif()

# Killed at any moment and started again, many processes leave the bytes of one; those that the last
# start misses are done by one alone.
set(many "--program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis a=1,2,10 --axis b=well,diverged --seeds 1-20 --quiet")
set(slowly "-- --pause 0.01")
shell("$PROGRAMS/sweep ${many} --out one ${slowly} > /dev/null
       for kill in 1 2 3; do
         children=
         for rank in 0 1 2; do
           $PROGRAMS/sweep ${many} --out array --rank $rank --of 3 ${slowly} & children=\"$children $!\"
         done
         sleep 0.1$kill
         for child in $children; do kill -KILL $child; done 2> /dev/null
         wait
       done 2> /dev/null
       $PROGRAMS/sweep ${many} --out array --rank 1 --of 3 ${slowly}
       $PROGRAMS/sweep ${many} --out array ${slowly} > /dev/null
       cmp one/runs.jsonl array/runs.jsonl; test ! -e array/journal-1.jsonl")
# A process that others work beside cuts off what was left unfinished of its own.
shell("mkdir cut; cp one/settings.json cut
       paste one/runs.jsonl one/provenance.jsonl | head -c 10000 > cut/journal-1.jsonl
       flock -s cut/lock $PROGRAMS/sweep ${many} --out cut --rank 1 --of 3 ${slowly}
       test $(wc -l < cut/journal-1.jsonl) -gt 40
       $PROGRAMS/sweep ${many} --out cut ${slowly} > /dev/null
       cmp one/runs.jsonl cut/runs.jsonl
       test $(grep -c 'axes.*axes' cut/provenance.jsonl) -eq 0
       test $(wc -l < cut/provenance.jsonl) -eq 120")
find_program(MPIRUN mpirun)
if(MPIRUN AND EXISTS ${PROGRAMS}/sweep_mpi)
  set(ENV{OMPI_ALLOW_RUN_AS_ROOT} 1)
  set(ENV{OMPI_ALLOW_RUN_AS_ROOT_CONFIRM} 1)
  set(ENV{OMPI_MCA_rmaps_base_oversubscribe} 1)
  shell("for kill in 1 2 3; do
           ${MPIRUN} -n 3 $PROGRAMS/sweep ${many} --out ranks ${slowly} & child=$!
           sleep 0.4$kill; kill -KILL $child || true; wait
         done 2> /dev/null
         for attempt in 1 2 3; do
           ${MPIRUN} -n 3 $PROGRAMS/sweep ${many} --out ranks ${slowly} && break
           sleep 1
         done
         cmp one/runs.jsonl ranks/runs.jsonl; test ! -e ranks/journal-1.jsonl")
  shell("! ${MPIRUN} -n 2 $PROGRAMS/sweep --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis b=refused \\
           --out refused --quiet 2> said
         test $(grep -c 'the program refuses the command line of b refused' said) -eq 1")
endif()

# ---- pruning, dataset, noisy_recovery ------------------------------------------------------------------

foreach(program IN ITEMS pruning dataset noisy_recovery)
  runs(${program} --quick --out ${program})
  foreach(type IN ITEMS csv json svg png)
    exists(${program}/${program}.${type})
  endforeach()
  fails(2 "The following argument was not expected: --fast" ${program} --fast)
endforeach()
shows(dataset/dataset.svg "training samples" "loss on fresh Gaussian inputs" "teacher-aware inputs")
shows(noisy_recovery/noisy_recovery.svg "teacher 0: sine of the angle" "teacher 2: bound of the gap"
      "largest gradient" "distance to the nearest student")
file(READ ${SCRATCH}/dataset/dataset.json json)
string(JSON rows LENGTH "${json}")
expect(${rows} EQUAL 7)
string(JSON gaussian GET "${json}" 3 gaussian)
string(JSON aware GET "${json}" 3 aware)
expect(${aware} LESS ${gaussian}) # at 500 samples

# ---- The landscape ----------------------------------------------------------------------------------

runs(disconnected_minima --quick --out disconnected)
expect("${printed}" MATCHES "five points, 3 nodes: 35 states, 7770 cells, 3 components\n")
expect("${printed}" MATCHES "barrier 0-1: 1/9, [^\n]*\n  barrier 0-2: 1/4, [^\n]*\n  barrier 1-2: 1/4, ")
expect("${printed}" MATCHES "four points, 3 nodes: 19 states, 1330 cells, 1 component\n")
foreach(type IN ITEMS csv svg png)
  exists(disconnected/disconnected_minima.${type})
endforeach()
fails(2 "The following argument was not expected: --fast" disconnected_minima --fast)

foreach(program IN ITEMS memorization sgd_near_memorizers spurious_minima)
  runs(${program} --quick --out ${program})
  foreach(type IN ITEMS csv json svg png)
    exists(${program}/${program}.${type})
  endforeach()
  fails(2 "The following argument was not expected: --fast" ${program} --fast)
endforeach()
shows(memorization/memorization.svg "two layers need" "residual, 10 classes" "23 kinks")
shows(sgd_near_memorizers/sgd_near_memorizers.svg "epoch 300: slope 3.9" "epoch 1000: slope")
shows(spurious_minima/spurious_minima.svg "n = k, published" "step T")

file(READ ${SCRATCH}/memorization/memorization.json json)
string(JSON rows LENGTH "${json}")
expect(${rows} EQUAL 5)
foreach(network IN ITEMS 1 2 3 residual)
  string(JSON residual GET "${json}" 4 residual_${network}) # 1,000 points
  expect(${residual} LESS 1e-6)
endforeach()
string(JSON nodes GET "${json}" 4 nodes_2)
expect(${nodes} EQUAL 128)

runs(sgd_near_memorizers --quick --out sgd_near_memorizers)
expect("${printed}" MATCHES "slope +2\\.0[0-9] +2\\.[0-9]+ +3\\.9[0-9] +3\\.[89]")
# R / rho^4 at the smallest rho is what second order says, 9.0e-4.
expect("${printed}" MATCHES "0\\.003125 [^\n]* 0\\.0009[01]")
expect("${printed}" MATCHES "J's null space: 0\\.00090")

runs(spurious_minima --from 8 --to 8 --runs 60 --out spurious_minima --threads 1)
set(one_thread "${printed}")
expect("${printed}" MATCHES "\n  8   8  +[0-9]+ runs  0\\.021508  0\\.02135  1 x 0\\.7824, 7 x 1\\.0290\n")
expect("${printed}" MATCHES "\n  8  10 +60    0\\.0%")
expect("${printed}" MATCHES "n = 3: J ~ T\\^-3\\.0")
expect("${printed}" MATCHES "6 pi\\)  0\\.99[0-9]*  0\\.9999[0-9]*  0\\.99999")
runs(spurious_minima --from 8 --to 8 --runs 60 --out spurious_minima --threads 2)
expect("${printed}" STREQUAL "${one_thread}")
fails(1 "--from is 9, above --to, 8" spurious_minima --from 9 --to 8)
# ---- inspect --------------------------------------------------------------------------------------

set(nets ${CMAKE_CURRENT_LIST_DIR}/../data/inspect)

# near(json expected path...): a number of `json`, to nine digits.
function(near json expected)
  string(JSON value GET "${json}" ${ARGN})
  execute_process(
    COMMAND awk "BEGIN { d = (${value}) - (${expected}); e = (${expected}) * 1e-9; exit !(d * d <= e * e) }"
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(SEND_ERROR "${ARGN}: ${value}, expected ${expected}")
  endif()
endfunction()

# The teacher's nodes in other scales, the first one as two, and one that nothing goes out of.
runs(inspect --teacher ${nets}/teacher.npz --student ${nets}/embedded.npz --inputs
     ${nets}/inputs.npy --labels ${nets}/labels.npy --json inspect.json --out inspected)
expect("${printed}" MATCHES "3 of 3 teacher nodes have a student's boundary near")
file(READ ${SCRATCH}/inspect.json json)
file(READ ${SCRATCH}/inspected/results.json again)
expect("${json}" STREQUAL "${again}")
near("${json}" 1 layers 0 rho_mean)
near("${json}" 1 networks 1 accuracy)
near("${json}" 4 networks 1 groups count)
string(JSON covered GET "${json}" layers 0 covered 0.95)
expect(${covered} EQUAL 3)
foreach(path IN ITEMS "loss" "relative_loss" "layers;0;mean_squared_gradient_norm"
                      "layers;0;mean_B;4;4")
  string(JSON value GET "${json}" ${path})
  expect(${value} LESS 1e-25)
endforeach()
foreach(path IN ITEMS "layers;0;max_gradient" "critical;layers;1;max" "bounds;teachers;2;student_gap"
                      "pruning;pruned_change" "layers;0;mean_A_error;3;2")
  string(JSON value GET "${json}" ${path})
  expect(${value} LESS 1e-12)
endforeach()
# V^T V* and V^T V, by NumPy.
near("${json}" 1.5225830078125 layers 0 mean_A 1 0)
near("${json}" -0.089111328125 layers 0 mean_A 1 1)
near("${json}" 3.15283203125 layers 0 mean_B 1 3)
shows(inspected/report.html "id='networks'" "id='losses'" "id='matches'" "id='weights'"
      "id='expectations'" "id='critical'" "id='observers'" "id='certificates'" "id='pruning'"
      "id='similarity'" "Every teacher node has a node that does its work." "<svg" "</html>")

# A student that knows nothing, against NumPy.
runs(inspect --teacher ${nets}/teacher.npz --student ${nets}/other.npz --inputs ${nets}/inputs.npy
     --labels ${nets}/labels.npy --json - --quiet)
near("${printed}" 21.875916192407217 loss)
near("${printed}" 3.544753500849439 relative_loss)
near("${printed}" 0.2890625 networks 1 accuracy)
near("${printed}" 2.1740798835791177 networks 1 cross_entropy)
near("${printed}" 24 networks 1 regions)
near("${printed}" 120.08511170435322 layers 0 mean_squared_gradient_norm)
near("${printed}" 25.64419766263927 layers 0 max_gradient)
near("${printed}" -0.5604496002197266 layers 0 mean_gated_A 1 2)
near("${printed}" 0.8135145742931414 layers 0 cca)
near("${printed}" 0.6192567081391461 layers 0 cka)

# Three layers; targets; the errors of the expectations.
runs(inspect --teacher ${nets}/deep.npz --student ${nets}/deep_student.npz --inputs
     ${nets}/inputs.npy --labels ${nets}/targets.npy --json - --quiet)
near("${printed}" -0.5635420060716569 layers 0 mean_A 0 0)
near("${printed}" 0.09862580733484813 layers 0 mean_A_error 0 0)
string(JSON layers LENGTH "${printed}" layers)
expect(${layers} EQUAL 2)
string(JSON value GET "${printed}" networks 0 squared_loss)
expect(${value} GREATER 0)

# Two students, and one; a leaky gate is open as often.
runs(inspect --student ${nets}/other.npz --student ${nets}/embedded.npz --inputs ${nets}/inputs.npy
     --out two)
shows(two/report.html "Two students" "id='similarity'")
runs(inspect --student ${nets}/other.npz --inputs ${nets}/inputs.npy --gate leaky:0.1 --json - --out one)
near("${printed}" 24 networks 0 regions)
shows(one/report.html "A network" "Every node is active on some sample")

# Batch normalization, read by its numbers and by text, is the same; against NumPy.
set(normalized --teacher ${nets}/batch_norm.npz --student ${nets}/other.npz --inputs ${nets}/inputs.npy)
runs(inspect ${normalized} --json - --quiet --out normalized)
near("${printed}" 27.46661772274852 loss)
near("${printed}" -2.35205078125 layers 0 mean_A 1 2)
near("${printed}" -1 networks 0 batch_norms 0 boundaries 1)
shows(normalized/report.html "1 of 3" "Biases of batch norm 1" "rule" "class='bar above'")
string(JSON layers GET "${printed}" layers)
runs(inspect ${normalized} --json - --quiet --layers "linear bn relu linear" --layers "linear relu linear")
string(JSON again GET "${printed}" layers)
expect("${layers}" STREQUAL "${again}")

# Convolutions, node by node as dense layers and channel by channel; with max pools by channels alone.
# Against PyTorch.
set(convolutions --teacher ${nets}/conv.npz --student ${nets}/conv_student.npz --inputs
                 ${nets}/images.npy --image 1x6x6 --json - --quiet)
runs(inspect ${convolutions} --layers "conv:padding=1 bn relu avgpool:2 conv relu flatten linear" --out folded)
near("${printed}" 0.032208904057573755 loss)
near("${printed}" 37.79107522625084 relative_loss)
near("${printed}" 0.0049378355178970315 layers 1 mean_squared_gradient_norm)
near("${printed}" 0.005253390727912645 layers 0 max_gradient)
near("${printed}" 0.005253390727912645 channels layers 0 max_gradient)
near("${printed}" 0.2624235427927333 channels layers 0 rho_mean)
near("${printed}" 0.0869381026841168 channels layers 1 cka)
near("${printed}" 0.8425925925925926 channels networks 1 layers 0 open_shares 1)
shows(folded/report.html "id='expectations'" "id='channels'" "id='channel-similarity'")
runs(inspect ${convolutions} --layers "conv:padding=1 bn relu maxpool:2 conv relu flatten linear" --out pooled)
near("${printed}" 0.030269299008424625 loss)
near("${printed}" 0.0010352672852704547 layers 0 mean_squared_gradient_norm)
near("${printed}" 0.10136953478823865 layers 1 max_gradient)
near("${printed}" 0.05656022480716247 layers 1 rho_mean)
near("${printed}" 0.0029594377569165963 layers 1 cka)
shows(pooled/report.html "maxpool is neither a linear map nor a gate of one node" "id='critical'")

# Four and five layers, with a copy whose nodes stand elsewhere; six, layer by layer.
foreach(depth IN ITEMS 4 5)
  runs(inspect --teacher ${nets}/layers_${depth}.npz --student ${nets}/layers_${depth}_moved.npz
       --inputs ${nets}/inputs.npy --json - --quiet)
  near("${printed}" 1 permutation agreement)
  string(JSON value GET "${printed}" permutation aligned_middle_loss)
  expect(${value} LESS 1e-25)
  string(JSON layers LENGTH "${printed}" layers)
  math(EXPR hidden "${depth} - 1")
  expect(${layers} EQUAL ${hidden})
  math(EXPR last "${depth} - 2")
  near("${printed}" 1 layers ${last} rho_mean)
  string(JSON seen LENGTH "${printed}" layers ${last} observers teachers)
  expect(${seen} EQUAL 3)
endforeach()
runs(inspect --student ${nets}/layers_6.npz --inputs ${nets}/inputs.npy --json -)
expect("${printed}" MATCHES "\"units\": \"nodes\"")
string(JSON value GET "${printed}" not_by_nodes)
expect("${value}" MATCHES "6 layers with gates between")

set(pair --teacher ${nets}/teacher.npz --student ${nets}/other.npz)
set(student --inputs ${nets}/inputs.npy --out refused_inspection --quiet --student)
fails(2 "--student" inspect --inputs ${nets}/inputs.npy)
fails(2 "is relu or leaky:c with c in [0, 1); got leaky:2" inspect ${pair} --inputs
      ${nets}/inputs.npy --gate leaky:2)
fails(2 "is given once beside --teacher" inspect ${pair} ${student} ${nets}/other.npz)
fails(1 "cannot open" inspect ${student} ${nets}/nothing.npz)
fails(1 "has 1 layer, expected 2 or more" inspect ${student} ${nets}/one_layer.npz)
fails(1 "has weight (4,), bias (4,): no linear, conv or bn" inspect ${student} ${nets}/layer_norm.npz)
fails(1 "names of its modules do not tell where gates stand" inspect ${student} ${nets}/named_norm.npz)
fails(1 "files do not say their stride and padding" inspect ${student} ${nets}/conv.npz)
foreach(refused IN ITEMS
        "conv bn relu avgpool:2 conv relu linear|above images of 4x1x1: put flatten before"
        "conv:padding=1 bn relu pool:2 conv relu flatten linear|may be maxpool or avgpool"
        "conv:pad=1 bn relu flatten linear|does not take pad; it takes name, stride, padding"
        "conv:padding=1 bn relu avgpool:2 conv leaky:0.1 flatten linear|is beside relu"
        "conv:padding=1 bn relu avgpool:2 conv relu flatten|7 (linear) has no place"
        "conv bn relu avgpool:2 conv relu flatten linear|takes 16 numbers (7 of"
        "conv:name=9 bn relu|names no module of"
        "conv bn relu conv relu conv|is one more than"
        "conv:padding=1 bn relu avgpool:2 conv relu flatten linear relu|is no gate"
        "dropout|is none of linear, conv, bn")
  string(REGEX MATCH "^(.*)[|](.*)$" matched "${refused}")
  fails(1 "${CMAKE_MATCH_2}" inspect ${student} ${nets}/conv.npz --image 1x6x6 --layers "${CMAKE_MATCH_1}")
endforeach()
fails(1 "needs --image CxHxW" inspect ${student} ${nets}/conv.npz --layers "conv relu flatten linear")
fails(1 "is 6x6, expected CxHxW" inspect ${student} ${nets}/conv.npz --image 6x6)
fails(2 "once for each network" inspect ${student} ${nets}/conv.npz --layers a --layers b)
fails(1 "3 inputs, " inspect ${student} ${nets}/narrow.npz --teacher ${nets}/teacher.npz)
fails(1 "3 layers, " inspect ${student} ${nets}/deep.npz --teacher ${nets}/teacher.npz)
fails(1 "samples have 4 numbers, " inspect ${student} ${nets}/narrow.npz)
fails(1 "element 30 is nan" inspect ${pair} --inputs ${nets}/not_finite.npy)
fails(1 "descr: " inspect ${pair} --inputs ${nets}/complex.npy)
fails(1 "9 samples, " inspect ${pair} --inputs ${nets}/inputs.npy --labels ${nets}/few.npy)
if(EXISTS ${SCRATCH}/refused_inspection)
  message(SEND_ERROR "a refused inspection left files")
endif()

# ---- connectivity, dropout_path ------------------------------------------------------------------

runs(connectivity --quick --out paths)
string(REGEX MATCHALL "5 of 5 permutations found" found "${printed}")
list(LENGTH found count)
expect(${count} EQUAL 2)
foreach(file IN ITEMS connectivity.csv connectivity_curves.csv connectivity.png)
  exists(paths/${file})
endforeach()
shows(paths/connectivity.svg "exact students, 2 layers" "trained, 4 layers, 2 epochs" aligned)
file(READ ${SCRATCH}/paths/connectivity.json json)
string(JSON rows LENGTH "${json}")
expect(${rows} EQUAL 8) # 2 exact pairs, 2 and 2 trained ones, one of 3 and one of 4 layers
shell("awk -F, '$1 == 0 && !($8 <= 1e-24 && $9 > 1) { exit 1 }' paths/connectivity.csv")
# The second student in the first one's order and scale is nearer, whatever the students.
shell("awk -F, 'NR > 1 && !($10 < $9) { exit 1 }' paths/connectivity.csv")
# No path between students that are not specialized: a reason, and two straight lines.
runs(connectivity --quick --out refused --tolerance 0.01)
string(FIND "${printed}" "specialized_groups: " place)
expect(${place} GREATER 0)
fails(2 "--pairs" connectivity --pairs 0)

runs(dropout_path --quick --out paths)
foreach(file IN ITEMS dropout_bound.csv dropout_width.csv dropout_trained.csv dropout_path.png)
  exists(paths/${file})
endforeach()
shows(paths/dropout_path.svg "noise-stable" "strongest half" "over-realization")
shell("awk -F, 'NR > 1 && !($4 <= 1e-12 && $5 <= 1e-12) { exit 1 }' paths/dropout_bound.csv")
shell("test $(cat paths/dropout_bound.csv | wc -l) -eq 6") # depths 2 to 6
fails(2 "--widest" dropout_path --widest 8)

file(GLOB_RECURSE parts ${SCRATCH}/*.part ${SCRATCH}/*.??????)
list(FILTER parts INCLUDE REGEX "(\\.part|\\.json\\.......)$")
if(parts)
  message(SEND_ERROR "temporary files were left: ${parts}")
endif()
