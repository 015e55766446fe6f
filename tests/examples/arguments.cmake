include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

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
if(EXISTS ${SCRATCH}/never.json OR EXISTS ${SCRATCH}/never)
  message(SEND_ERROR "a failed run left files")
endif()
