# cmake -DPROJECT=<project folder> -DWORK=<scratch folder> -DOPTIONS=<configure options>
#       (-DHEATBATH_BUILD=<build folder> | -DHEATBATH_SOURCE=<source folder>) -P consumer.cmake
# Configures, builds and runs a project that uses Heatbath: with HEATBATH_BUILD installed into a fresh prefix first,
# with HEATBATH_SOURCE as a subdirectory. Fails when a step fails.

function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${output}\nfailed (${status}): ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
if(DEFINED HEATBATH_BUILD)
  step(${CMAKE_COMMAND} --install ${HEATBATH_BUILD} --prefix ${WORK}/prefix)
  list(APPEND OPTIONS -DCMAKE_PREFIX_PATH=${WORK}/prefix -DHEATBATH_PREFIX=${WORK}/prefix)
else()
  # It builds the whole emulator anew, to learn whether it builds: not to run it fast. With ccache it has the options of
  # this build and finds what that compiled; without, no optimisation.
  list(APPEND OPTIONS -DHEATBATH_SOURCE=${HEATBATH_SOURCE})
  if(NOT CCACHE OR "$ENV{CCACHE_DISABLE}")
    list(APPEND OPTIONS -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DCMAKE_C_FLAGS_RELEASE=-O0)
  endif()
endif()
step(${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/build ${OPTIONS})
step(${CMAKE_COMMAND} --build ${WORK}/build --target consumers)
step(${CMAKE_COMMAND} --build ${WORK}/build --target run_consumers)
