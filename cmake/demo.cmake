# cmake -P cmake/demo.cmake: installs what is missing, builds and runs the main example: a teacher of
# 10 nodes, a student of 50, a table of who matched whom, and its figures.
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
install_packages(${library_packages} ${example_packages})
unset(ENV{OPENBLAS_CORETYPE})
set(build ${project_dir}/build/release)
run(${CMAKE_COMMAND} --preset release -DTUTELAGE_TESTS=OFF -DTUTELAGE_BENCHMARKS=OFF)
run(${CMAKE_COMMAND} --build ${build} --target specialization)
run(${build}/examples/specialization --out ${build}/specialization)
