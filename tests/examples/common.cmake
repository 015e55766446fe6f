# For files beside this one, which run the example programs as a user would:
#
#   cmake -DPROGRAMS=folder -DSCRATCH=folder -P sweep.cmake
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

# runs(program arguments...) must succeed; standard output is left in `printed`.
function(runs program)
  execute_process(
    COMMAND ${PROGRAMS}/${program} ${ARGN}
    WORKING_DIRECTORY ${SCRATCH}
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE problems
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${program} ${ARGN}: exit code ${code}\n${problems}")
  endif()
  set(printed "${printed}" PARENT_SCOPE)
endfunction()

# fails(code sentence program arguments...) must exit with `code`, say `sentence` in one line of its own
# and print nothing else of note.
function(fails code sentence program)
  execute_process(
    COMMAND ${PROGRAMS}/${program} ${ARGN}
    WORKING_DIRECTORY ${SCRATCH}
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE problems
    RESULT_VARIABLE got)
  if(NOT got EQUAL ${code})
    message(SEND_ERROR "${program} ${ARGN}: exit code ${got}, expected ${code}\n${problems}")
  endif()
  string(FIND "${problems}" "${sentence}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "${program} ${ARGN}: not said: ${sentence}\n${problems}")
  endif()
  if(NOT printed STREQUAL "")
    message(SEND_ERROR "${program} ${ARGN}: printed ${printed}")
  endif()
endfunction()

# shell(script) must succeed in SCRATCH; what it prints is left in `printed`. $PROGRAMS is the programs'
# folder.
function(shell script)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PROGRAMS=${PROGRAMS} sh -euc "${script}"
    WORKING_DIRECTORY ${SCRATCH}
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE problems
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(SEND_ERROR "exit code ${code} of\n${script}\n${printed}${problems}")
  endif()
  set(printed "${printed}" PARENT_SCOPE)
endfunction()

function(expect actual operator expected)
  if(NOT "${actual}" ${operator} "${expected}")
    message(SEND_ERROR "${actual}: not ${operator} ${expected}")
  endif()
endfunction()

function(exists file)
  if(NOT EXISTS ${SCRATCH}/${file})
    message(SEND_ERROR "${file} was not written")
  endif()
endfunction()

# shows(figure text...): an SVG file whose texts hold each of these.
function(shows figure)
  exists(${figure})
  file(READ ${SCRATCH}/${figure} svg)
  foreach(text IN LISTS ARGN)
    string(FIND "${svg}" "${text}" place)
    if(place EQUAL -1)
      message(SEND_ERROR "${figure} does not show: ${text}")
    endif()
  endforeach()
endfunction()
