# cmake -DSOURCE=folder -DVERSION=text -DHEADER=file -P commit.cmake: which sources a program is built
# from. The header is written when it changes.
set(commit unknown)
find_program(GIT git)
if(GIT)
  execute_process(
    COMMAND ${GIT} describe --always --dirty --abbrev=12 --exclude *
    WORKING_DIRECTORY ${SOURCE}
    OUTPUT_VARIABLE described
    OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE failed
    ERROR_QUIET)
  if(NOT failed)
    set(commit ${described})
  endif()
endif()
set(text "inline constexpr const char* sweep_version = \"${VERSION}\";
inline constexpr const char* sweep_commit = \"${commit}\";\n")
if(EXISTS ${HEADER})
  file(READ ${HEADER} before)
endif()
if(NOT "${before}" STREQUAL "${text}")
  file(WRITE ${HEADER} "${text}")
endif()
