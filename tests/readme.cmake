# README shows these programs as examples/ has them, and prints what they print.
# cmake -DREADME= -DSOURCES=folder -DPROGRAMS=folder -P readme.cmake
file(READ ${README} readme)
foreach(program IN ITEMS quickstart convolutional residual)
  file(READ ${SOURCES}/${program}.cpp source)
  execute_process(
    COMMAND ${PROGRAMS}/${program}
    OUTPUT_VARIABLE printed
    COMMAND_ERROR_IS_FATAL ANY)
  foreach(block IN ITEMS "```cpp\n${source}```" "```\n${printed}```")
    string(FIND "${readme}" "${block}" place)
    if(place EQUAL -1)
      message(FATAL_ERROR "README does not show:\n${block}")
    endif()
  endforeach()
endforeach()
