include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

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
  runs(specialization --input fashion-mnist --teacher 784-16-10 --scalar float --samples 1000 --eval-samples 500
       --teacher-epochs 30 --epochs 1 --over-realization 2 --json images.json)
  file(READ ${SCRATCH}/images.json json)
  string(JSON accuracy GET "${json}" runs 0 teacher_accuracy)
  expect(${accuracy} GREATER 0.7)
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
