include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

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
runs(sweep --program gradient_rule --axis separated=false,true --seeds 3 --keep common_polygons --out rules --quiet
     -- --quick --epochs 1 --samples 500 --learning-rate 0.001)
file(STRINGS ${SCRATCH}/rules/runs.jsonl lines REGEX "\"results\":{\"common_polygons\":")
list(LENGTH lines count)
expect(${count} EQUAL 2)
# Figure 6 of arXiv:1909.13458 by layers, samples along and a color a loss.
runs(sweep --published samples --quick --seeds 1 --out figure6 --quiet -- --epochs 2)
shows(figure6/value-rho_mean_by_layer-4.svg samples "loss mse" "loss cross-entropy")
exists(figure6/value-eval_loss.png)
file(STRINGS ${SCRATCH}/figure6/runs.jsonl lines)
list(GET lines 0 line)
string(JSON rate GET "${line}" config learning_rate 0)
expect(${rate} EQUAL 0.2) # of cross-entropy
list(GET lines 2 line)
string(JSON rate GET "${line}" config learning_rate 0)
expect(${rate} MATCHES "^0[.]0200000") # the same of the mean over 20 outputs of squares, as ours has it

# How runs end is what their rows say; failures are no success, and can be tried again.
fails(1 "sweep: 5 of 7 runs failed, one of them at b words, seed 1: printed no JSON: at byte 1 of 13; --retry"
      sweep ${swept} --axis b=well,diverged,ended,failed,killed,mended,words --out ends --quiet)
file(READ ${SCRATCH}/ends/runs.jsonl rows)
foreach(end IN ITEMS [["diverged"},"seed":1,"status":"diverged","message":"swept: training diverged at step 3"]]
                     [["ended"},"seed":1,"status":"failed","message":"ended by SIGTERM"]]
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
expect(${count} EQUAL 7)
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
# A batch system ends a job's processes in any order: a run that ended before its sweep did not fail.
shell("code=0; env --default-signal=TERM $PROGRAMS/sweep --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis b=cancelled --out cancelled --quiet 2> said || code=$?
       test $code -eq 143
       grep -q '^sweep: stopped; 0 runs are kept in cancelled' said
       test ! -s cancelled/journal-0.jsonl")
shell("code=0; env --default-signal=HUP $PROGRAMS/sweep --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis b=hung-up --out hung-up --quiet 2> said || code=$?
       test $code -eq 129
       grep -q '^sweep: stopped; 0 runs are kept in hung-up' said")

# What one run prints is nothing to the others; that its message has a word says little.
fails(1 "sweep: 1 of 2 runs failed, one of them at b large, seed 1: printed no JSON: " sweep ${swept}
      --axis b=large,well --out large --quiet)
fails(1 "sweep: 1 of 1 runs failed, one of them at b elsewhere" sweep ${swept} --axis b=elsewhere --out elsewhere
      --quiet)

# The last seeds, names that look like numbers, fields that there are not, values that cannot be shown.
runs(sweep ${swept} --axis b=last --seeds 18446744073709551614-18446744073709551615 --out last --quiet)
shows(last/runs.jsonl "18446744073709551614,\"status\":\"done\"" "{\"found\":18446744073709551615}")
runs(sweep ${swept} --axis b=7,007 --out names --quiet)
runs(sweep ${swept} --axis b=7,007 --out names --quiet)
shows(names/runs.jsonl "{\"b\":7}" "{\"b\":\"007\"}")
file(STRINGS ${SCRATCH}/names/runs.jsonl lines)
list(LENGTH lines count)
expect(${count} EQUAL 2)
fails(1 "--keep: the results of a run have no values" sweep ${swept} --axis b=well --keep values --out keeps --quiet)
fails(2 "--keep: value is there twice" sweep ${swept} --axis b=well --keep value,value --out keeps --quiet)
fails(2 "--color: is another axis than --x" sweep --report table --x a --color a)
shell("if $PROGRAMS/sweep --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis b=\"$(printf '\\377')\" --out never 2> said
       then exit 1; fi
       grep -q -- '--axis: a value is no UTF-8' said
       if $PROGRAMS/sweep --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis \"$(printf 'b=\\ta')\" --out never 2> said
       then exit 1; fi
       grep -q -- '--axis: a value has control characters' said")

# Ranks of Slurm's arrays: 2, 4 and 6 are 0, 1 and 2 of 3; of lists nobody knows.
shell("export SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=6 SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_COUNT=3
       export SLURM_ARRAY_TASK_ID=4 SWEEP=echo
       test \"$(${CMAKE_CURRENT_LIST_DIR}/../../examples/sweep/slurm.sh --quick)\" = '--rank 1 --of 3 --quick'
       test \"$(SWEEP_OF=9 ${CMAKE_CURRENT_LIST_DIR}/../../examples/sweep/slurm.sh)\" = '--rank 4 --of 9'
       if SLURM_ARRAY_TASK_STEP=1 ${CMAKE_CURRENT_LIST_DIR}/../../examples/sweep/slurm.sh 2> said; then exit 1; fi
       grep -q 'array is a range' said")
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
fails(1 "--checkpoint is not for runs: all would share its files" sweep ${swept} --out never -- --checkpoint x)
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
         cmp one/runs.jsonl ranks/runs.jsonl; test ! -e ranks/journal-1.jsonl; test -e ranks/summary.csv")
  shell("if ${MPIRUN} -n 2 $PROGRAMS/sweep --program ${CMAKE_CURRENT_LIST_DIR}/swept.sh --axis b=refused \\
             --out refused --quiet 2> said
         then exit 1; fi
         test $(grep -c 'the program refuses the command line of b refused' said) -eq 1")
endif()
