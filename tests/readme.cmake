# README's first program is examples/quickstart.cpp, and it prints what README says.
# cmake -DREADME= -DSOURCE= -DPROGRAM= -P readme.cmake
file(READ ${README} readme)
file(READ ${SOURCE} source)
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
foreach(block IN ITEMS "```cpp\n${source}```" "```\n${printed}```")
  string(FIND "${readme}" "${block}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "README does not show:\n${block}")
  endif()
endforeach()
