# cmake -DCOMPILER= -DINCLUDE= -DFOLDER= -DSCRATCH= -P refuse.cmake: check.cmake must refuse each file
# of FOLDER below, and for this reason. They are no .cpp: nothing formats or compiles them as they are.
set(head "must begin with lines")
foreach(case IN ITEMS "joined:${head}" "reflowed:${head}" "wrapped:${head}" "unguarded:${head}" "unsaid:not said"
                      "compiles:compiles")
  string(REGEX MATCH "^([^:]*):(.*)$" case "${case}")
  set(name ${CMAKE_MATCH_1})
  set(reason ${CMAKE_MATCH_2})
  configure_file(${FOLDER}/${name}.txt ${SCRATCH}/${name}.cpp COPYONLY)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -DCOMPILER=${COMPILER} -DINCLUDE=${INCLUDE}
            -DSOURCE=${SCRATCH}/${name}.cpp -P ${CMAKE_CURRENT_LIST_DIR}/check.cmake
    RESULT_VARIABLE failed
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(NOT failed OR NOT output MATCHES "${name}.cpp ${reason}|${reason}: leaky")
    message(FATAL_ERROR "${name}: not refused for \"${reason}\": ${failed}\n${output}")
  endif()
endforeach()
