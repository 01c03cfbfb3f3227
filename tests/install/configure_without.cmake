# Configures the source tree as on a machine without some optional packages: it must succeed, name each package that
# would bring the part back, and leave the part out.
#   SOURCE, WORK   source tree; folder for the build trees (removed first)
#   OPTIONS        options of every configuration
file(REMOVE_RECURSE ${WORK})

# configure_without(<case> OPTIONS <options...> NAMES <packages...> WITHOUT <programs...> WITH <programs...>)
function(configure_without case)
  cmake_parse_arguments(arg "" "" "OPTIONS;NAMES;WITHOUT;WITH" ${ARGN})
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/${case} ${OPTIONS} ${arg_OPTIONS}
    RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said COMMAND_ECHO STDOUT)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${case}: configuring fails:\n${said}")
  endif()
  foreach(package IN LISTS arg_NAMES)
    if(NOT said MATCHES "[^a-z]${package}[^a-z]")
      message(FATAL_ERROR "${case}: configuring does not name the package ${package}:\n${said}")
    endif()
  endforeach()
  file(STRINGS ${WORK}/${case}/build.ninja rules REGEX "^build [^:]*: phony")
  foreach(program IN LISTS arg_WITHOUT)
    if(rules MATCHES "build ${program}: phony")
      message(FATAL_ERROR "${case}: ${program} is not left out")
    endif()
  endforeach()
  foreach(program IN LISTS arg_WITH)
    if(NOT rules MATCHES "build ${program}: phony")
      message(FATAL_ERROR "${case}: ${program} is missing")
    endif()
  endforeach()
  file(REMOVE_RECURSE ${WORK}/${case})
endfunction()

configure_without(systemc OPTIONS -DCMAKE_DISABLE_FIND_PACKAGE_SystemC=ON NAMES libsystemc-dev
  WITH test_device heatbath_sim heatbath_cli WITHOUT heatbath_systemc systemc_chip systemc_benchmark rtl_block)
configure_without(optional_programs
  OPTIONS -DCMAKE_DISABLE_FIND_PACKAGE_verilator=ON -DHEATBATH_UNICORN_INCLUDE=OFF -DHEATBATH_RV32_GCC=OFF
          -DHEATBATH_PICOLIBC=OFF -DCMAKE_DISABLE_FIND_PACKAGE_pybind11=ON
  NAMES pybind11-dev verilator libunicorn-dev gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
  WITH systemc_chip heatbath_c WITHOUT rtl_block rtl_session heatbath_python)
