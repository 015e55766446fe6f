include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

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
