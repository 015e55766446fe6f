# What the headers need. Used by this build and by find_package(tutelage).
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(xtl)
find_dependency(xtensor)
find_dependency(xsimd)

if(NOT DEFINED BLA_VENDOR)
  set(BLA_VENDOR OpenBLAS)
endif()
find_dependency(BLAS)
find_dependency(xtensor-blas)

find_path(RANDOM123_INCLUDE_DIR Random123/threefry.h)
mark_as_advanced(RANDOM123_INCLUDE_DIR)
if(NOT RANDOM123_INCLUDE_DIR)
  message(FATAL_ERROR "tutelage: Random123 is missing (Debian: librandom123-dev)")
endif()
if(NOT TARGET Random123::Random123)
  add_library(Random123::Random123 INTERFACE IMPORTED)
  target_include_directories(Random123::Random123 INTERFACE ${RANDOM123_INCLUDE_DIR})
endif()

# Debian's serial flavour returns wrong products when several threads call it.
foreach(library IN LISTS BLAS_LIBRARIES)
  file(REAL_PATH "${library}" library)
  if(library MATCHES "openblas-serial")
    message(FATAL_ERROR "tutelage: ${library} is not thread-safe; "
                        "install libopenblas-pthread-dev instead")
  endif()
endforeach()
