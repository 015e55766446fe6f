# cmake -DCOMPILER= -DINCLUDE= [-DPRECOMPILED=] -DSOURCE= -P check.cmake: SOURCE must not compile, and the compiler must
# print each sentence that a line "// expect: ..." announces, or "// expect g++: ..." for one compiler.
# These are the file's first lines, one sentence a line, and "// clang-format off" ends them.
get_filename_component(name ${COMPILER} NAME)
string(REPLACE "+" "[+]" name ${name})

# Brackets and semicolons are CMake's list syntax: compare without them.
function(plain variable)
  string(REGEX REPLACE "[][;]" "|" ${variable} "${${variable}}")
  set(${variable} "${${variable}}" PARENT_SCOPE)
endfunction()

file(READ ${SOURCE} text)
plain(text)
string(REGEX REPLACE "// clang-format off\n.*" "" head "${text}")
string(REGEX REPLACE "// expect( g[+][+]| clang[+][+])?: [^\n]+\n" "" rest "${head}")
if(NOT rest STREQUAL "" OR head STREQUAL text OR head MATCHES "[^\n]// expect|[^/] expect( g[+][+]| clang[+][+])?: ")
  message(FATAL_ERROR "${SOURCE} must begin with lines \"// expect: sentence\", then \"// clang-format off\"")
endif()
string(REGEX MATCHALL "// expect( ${name})?: [^\n]+" expectations "${text}")
if(NOT expectations)
  message(FATAL_ERROR "${SOURCE} expects nothing")
endif()
set(precompiled)
if(PRECOMPILED)
  set(precompiled -include ${PRECOMPILED})
endif()
execute_process(
  COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${precompiled} -I${INCLUDE} ${SOURCE}
  RESULT_VARIABLE failed
  ERROR_VARIABLE output)
if(NOT failed)
  message(FATAL_ERROR "${SOURCE} compiles")
endif()
plain(output)
foreach(expectation IN LISTS expectations)
  string(REGEX REPLACE "^// expect[^:]*: " "" sentence "${expectation}")
  string(FIND "${output}" "${sentence}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "not said: ${sentence}\n${output}")
  endif()
endforeach()
