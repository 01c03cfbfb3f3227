# Compiler options of every target.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache needs this to cache compilations with a precompiled header.
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

option(HEATBATH_ASSERTIONS "Keep assert() in optimised builds" OFF)
set(HEATBATH_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them")

# heatbath_target(<target> [JUDGE]): the floating-point contract of the project (no contraction, explicit fma only, no
# errno, no traps: the same bits on every instruction set), warnings, sanitizers. A JUDGE only says what is right;
# it is compiled without sanitizers, which take most of the time that its templates take to compile.
function(heatbath_target target)
  cmake_parse_arguments(arg "JUDGE" "" "" ${ARGN})
  target_compile_options(${target} PRIVATE
    -fno-math-errno -fno-trapping-math -ffp-contract=off
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
  if(HEATBATH_ASSERTIONS)
    target_compile_options(${target} PRIVATE -UNDEBUG)
  endif()
  if(HEATBATH_SANITIZE)
    if(NOT arg_JUDGE)
      target_compile_options(${target} PRIVATE -fsanitize=${HEATBATH_SANITIZE} -fno-omit-frame-pointer
                             -fno-sanitize-recover=undefined)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${HEATBATH_SANITIZE})
  endif()
endfunction()

