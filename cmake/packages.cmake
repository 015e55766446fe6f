# install_packages(name...) makes sure that these Debian packages are there: installs what is missing
# as root or with sudo, and elsewhere says what to install and stops.
function(install_packages)
  find_program(DPKG_QUERY dpkg-query)
  find_program(APT_GET apt-get)
  if(NOT DPKG_QUERY OR NOT APT_GET)
    string(JOIN " " names ${ARGN})
    message(STATUS "Not a Debian system; expecting the equivalents of: ${names}")
    return()
  endif()

  set(missing)
  foreach(package IN LISTS ARGN)
    execute_process(
      COMMAND ${DPKG_QUERY} -W -f "\${Status}" ${package}
      OUTPUT_VARIABLE status
      ERROR_QUIET)
    if(NOT status STREQUAL "install ok installed")
      list(APPEND missing ${package})
    endif()
  endforeach()
  if(NOT missing)
    return()
  endif()

  string(JOIN " " names ${missing})
  execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(as_root)
  if(NOT user STREQUAL "0")
    set(as_root sudo -n)
    execute_process(COMMAND sudo -n true RESULT_VARIABLE no_sudo OUTPUT_QUIET ERROR_QUIET)
    if(NOT no_sudo STREQUAL "0")
      message(FATAL_ERROR "Missing packages, and no right to install them. Please run\n"
                          "  apt-get install ${names}\nas root, then try again.")
    endif()
  endif()

  message(STATUS "Installing: ${names}")
  execute_process(COMMAND ${as_root} ${APT_GET} update -q OUTPUT_QUIET)
  execute_process(
    COMMAND ${as_root} env DEBIAN_FRONTEND=noninteractive ${APT_GET} install -y -q
            --no-install-recommends ${missing}
    OUTPUT_VARIABLE log
    ERROR_VARIABLE log
    RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "apt-get could not install ${names}:\n${log}")
  endif()
endfunction()

# run(command...) runs a command in the project's folder and stops when it fails.
function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${project_dir} RESULT_VARIABLE failed)
  if(failed)
    string(JOIN " " command ${ARGN})
    message(FATAL_ERROR "failed (${failed}): ${command}")
  endif()
endfunction()

get_filename_component(project_dir ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)

set(library_packages
    g++
    ninja-build
    libxtensor-dev
    libxtensor-blas-dev
    libxsimd-dev
    libopenblas-pthread-dev
    librandom123-dev
    zlib1g-dev
    nlohmann-json3-dev
    libxxhash-dev
    libboost-dev)
set(example_packages libcli11-dev gnuplot-nox dataset-fashion-mnist)
set(benchmark_packages libbenchmark-dev libeigen3-dev python3-numpy)
set(test_packages doctest-dev clang libclang-rt-14-dev libopenmpi-dev openmpi-bin ${benchmark_packages})
