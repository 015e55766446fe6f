# cmake -P cmake/test.cmake: installs what is missing, builds and runs the tests of one landing: all for
# this machine's processor, and core/ for any. cmake/part.cmake has the rest.
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
install_packages(${library_packages} ${example_packages} ${test_packages})
unset(ENV{OPENBLAS_CORETYPE})
run(${CMAKE_COMMAND} --preset release -DTUTELAGE_TESTS=ON -DTUTELAGE_BENCHMARKS=OFF)
run(${CMAKE_COMMAND} --build --preset release)
run(${CMAKE_CTEST_COMMAND} --preset release)
