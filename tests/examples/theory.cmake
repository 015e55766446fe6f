include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

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
