# What an inclusion costs: lines after preprocessing, without blank ones. The bounds are g++ 12's figures
# plus 5%. Of the umbrella's 208,000 lines xtensor makes up 97,000, the processor's intrinsics 65,000,
# LAPACK's declarations 20,000 and cxxblas most of the rest; this library is 7,000. So a header that
# exceeds its bound includes something heavy that it did not include before: raise the bound only for a
# reason.
# cmake -DCOMPILER= -DINCLUDE= -P include_size.cmake
function(lines_at_most bound header)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/include_size.cpp)
  file(WRITE ${source} "#include <${header}>\n")
  execute_process(
    COMMAND ${COMPILER} -std=c++20 -I${INCLUDE} -E -P ${source}
    COMMAND wc -l
    OUTPUT_VARIABLE lines
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  message(STATUS "${header}: ${lines} lines, at most ${bound}")
  if(lines GREATER bound)
    message(SEND_ERROR "${header} has grown to ${lines} lines, expected at most ${bound}")
  endif()
endfunction()

lines_at_most(22000 tutelage/core/errors.hpp)
lines_at_most(106000 tutelage/core/matrix.hpp)
lines_at_most(149000 tutelage/core/product.hpp)
lines_at_most(193000 tutelage/train/train.hpp)
lines_at_most(219000 tutelage/tutelage.hpp)
lines_at_most(214000 tutelage/analysis.hpp)
lines_at_most(150000 tutelage/theory/population/population.hpp)
lines_at_most(312000 tutelage/theory.hpp) # Boost is 159,000 of them
