include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

set(nothing specialization --teacher 4-2-2 --samples 20 --eval-samples 20 --epochs 0 --quiet)

# ---- A file in a folder's place -----------------------------------------------------------------------

file(WRITE ${SCRATCH}/file "")
fails(1 "specialization: cannot create a temporary file beside file/result.json: Not a directory"
      ${nothing} --json file/result.json)
fails(1 "specialization: cannot make the folder file/figures: Not a directory" ${nothing} --out
      file/figures)
fails(1 "sweep: cannot make the folder file/runs: Not a directory" sweep --out file/runs --quiet)
fails(1 "dataset: cannot make the folder file/figures: Not a directory" dataset --quick --seeds 1 --out
      file/figures)

# ---- Where results go: links are followed, devices and FIFOs are written to and stay ------------------

file(WRITE ${SCRATCH}/real.json "")
file(CREATE_LINK real.json ${SCRATCH}/link.json SYMBOLIC)
runs(${nothing} --json link.json)
if(NOT IS_SYMLINK ${SCRATCH}/link.json)
  message(SEND_ERROR "--json replaced a link")
endif()
file(READ ${SCRATCH}/real.json json)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 2)
list(JOIN nothing " " command)
shell("mkfifo fifo; $PROGRAMS/${command} --json fifo & cat fifo > got; wait $!; test -p fifo
       test -s got
       $PROGRAMS/${command} --json /dev/stdout > redirected; test -s redirected")
file(READ ${SCRATCH}/got json)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 2)
file(READ ${SCRATCH}/redirected json)
string(JSON teachers LENGTH "${json}" runs 0 teachers)
expect(${teachers} EQUAL 2)

# A full disk: a device that is always full behind a result's name, a table's, a figure's; and as
# standard output. The devices are the test's own: a fault must not cost the machine its.
execute_process(COMMAND sh -c "mknod null c 1 3 && mknod always_full c 1 7 && : > null"
                WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE code ERROR_QUIET)
if(code EQUAL 0)
  shell("$PROGRAMS/${command} --json null; test -c null")
  fails(1 "specialization: cannot write always_full: No space left on device" ${nothing} --json
        always_full)
  set(full ${SCRATCH}/always_full)
else()
  execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(user EQUAL 0)
    message(STATUS "a full disk is not tested: devices cannot be made")
  else()
    set(full /dev/full) # which only root could replace
  endif()
endif()
foreach(file IN ITEMS history.csv specialization.svg dynamics.png)
  if(NOT full)
    break()
  endif()
  file(REMOVE_RECURSE ${SCRATCH}/full)
  file(MAKE_DIRECTORY ${SCRATCH}/full)
  file(CREATE_LINK ${full} ${SCRATCH}/full/${file} SYMBOLIC)
  fails(1 "specialization: cannot write full/${file}: No space left on device" ${nothing} --out full)
endforeach()
foreach(command IN ITEMS "specialization --epochs 0" "convergence_2d --epochs 1 --out full")
  shell("if $PROGRAMS/${command} > /dev/full 2> said; then exit 1; fi
         grep -q 'cannot write to standard output' said")
endforeach()

# gnuplot: what it says is a failure, and so is a figure that is not whole; without it there is none.
function(with_gnuplot script sentence)
  file(WRITE ${SCRATCH}/bin/gnuplot "#!/bin/sh\n${script}\n")
  file(CHMOD ${SCRATCH}/bin/gnuplot PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  set(ENV{PATH} "${SCRATCH}/bin:$ENV{PATH}")
  file(REMOVE_RECURSE ${SCRATCH}/drawn)
  fails(1 "${sentence}" ${nothing} --out drawn)
  file(GLOB figures ${SCRATCH}/drawn/*.svg* ${SCRATCH}/drawn/*.png*)
  if(figures)
    message(SEND_ERROR "${sentence}: left ${figures}")
  endif()
endfunction()
set(path "$ENV{PATH}")
with_gnuplot("echo 'line 7: warning: nothing to plot' >&2" "line 7: warning: nothing to plot")
with_gnuplot("exit 3" "gnuplot on drawn/specialization: failed and did not say why")
with_gnuplot("kill -9 $$" "gnuplot on drawn/specialization: failed and did not say why")
with_gnuplot("exit 0" "gnuplot on drawn/specialization: the figure is not whole")
with_gnuplot("PATH='${path}'; ulimit -f 8; exec gnuplot \"$@\"" "gnuplot on drawn/specialization")
set(ENV{PATH} "${SCRATCH}/none")
runs(${nothing} --out undrawn)
set(ENV{PATH} "${path}")
exists(undrawn/history.csv)
if(EXISTS ${SCRATCH}/undrawn/specialization.svg)
  message(SEND_ERROR "drawn without gnuplot")
endif()
