# Flags of this repository's own programs. None of them reaches users of the library. A level of
# optimization must not be among them: it would come after a target's own and win.
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(program_flags INTERFACE)
target_compile_options(
  program_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor)
# g++ collects its garbage from 500 MB on, not from 50: templates compile in a fifth less time.
target_compile_options(program_flags INTERFACE
                       $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=500000>)
if(TUTELAGE_SANITIZE)
  target_compile_options(program_flags INTERFACE -fsanitize=${TUTELAGE_SANITIZE}
                                                 -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(program_flags INTERFACE -fsanitize=${TUTELAGE_SANITIZE})
endif()

add_library(native_flags INTERFACE)
if(TUTELAGE_NATIVE)
  target_compile_options(native_flags INTERFACE -march=native)
endif()

# tutelage_program(name source...) is an executable with these flags, for this processor.
function(tutelage_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE tutelage::tutelage program_flags native_flags)
endfunction()
