# cmake -P cmake/test.cmake: installs what is missing, builds and runs the tests of one landing: all for
# this machine's processor, and core/ for any. cmake/part.cmake has the rest.
include(${CMAKE_CURRENT_LIST_DIR}/packages.cmake)
install_packages(${library_packages} ${example_packages} ${test_packages})
unset(ENV{OPENBLAS_CORETYPE})

# Programs are built with g++. The tests of single headers compile in half the time with clang, which
# instantiates the templates of a precompiled header once.
run(${CMAKE_COMMAND} --preset release -DTUTELAGE_TESTS=ON -DTUTELAGE_UNIT_TESTS=OFF
    -DTUTELAGE_BENCHMARKS=OFF)
run(${CMAKE_COMMAND} --build --preset release)
run(${CMAKE_COMMAND} --preset unit)
run(${CMAKE_COMMAND} --build --preset unit)

# Both folders in one run.
set(build ${project_dir}/build/tests)
file(WRITE ${build}/CTestTestfile.cmake "subdirs(../release ../unit)\n")
run(${CMAKE_CTEST_COMMAND} --test-dir ${build} --parallel 2 --output-on-failure --no-tests=error)
