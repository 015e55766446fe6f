include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

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
