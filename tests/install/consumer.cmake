# cmake -DPROJECT=<project folder> -DWORK=<scratch folder> -DOPTIONS=<configure options>
#       (-DHEATBATH_BUILD=<build folder> | -DHEATBATH_PREFIX=<prefix> | -DHEATBATH_SOURCE=<source folder>) -P consumer.cmake
# Configures, builds and runs a project that uses Heatbath: with HEATBATH_BUILD installed into a fresh prefix first, with
# HEATBATH_PREFIX as it was installed there, with HEATBATH_SOURCE as a subdirectory. Fails when a step fails.

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
  set(HEATBATH_PREFIX ${WORK}/prefix)
endif()
if(DEFINED HEATBATH_PREFIX)
  list(APPEND OPTIONS -DCMAKE_PREFIX_PATH=${HEATBATH_PREFIX} -DHEATBATH_PREFIX=${HEATBATH_PREFIX})
else()
  list(APPEND OPTIONS -DHEATBATH_SOURCE=${HEATBATH_SOURCE} -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=6)
endif()
if(DEFINED HEATBATH_PYTHON_EXECUTABLE)
  list(APPEND OPTIONS -DHEATBATH_PYTHON_EXECUTABLE=${HEATBATH_PYTHON_EXECUTABLE})
endif()
# What is compiled here is to build and to run, not to run fast.
list(APPEND OPTIONS -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DCMAKE_C_FLAGS_RELEASE=-O0)
step(${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/build ${OPTIONS})
step(${CMAKE_COMMAND} --build ${WORK}/build --target consumers)
step(${CMAKE_COMMAND} --build ${WORK}/build --target run_consumers)
