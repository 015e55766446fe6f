# cmake -P cmake/test.cmake: installs what is missing, builds and runs every test.
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
install_packages(${library_packages} ${example_packages} ${test_packages})
unset(ENV{OPENBLAS_CORETYPE})
run(${CMAKE_COMMAND} --preset release -DTUTELAGE_TESTS=ON -DTUTELAGE_BENCHMARKS=OFF)
run(${CMAKE_COMMAND} --build --preset release --target all all_verify_interface_header_sets)
run(${CMAKE_CTEST_COMMAND} --preset release)
