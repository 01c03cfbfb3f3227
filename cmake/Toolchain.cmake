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
option(HEATBATH_SANITIZE_QUICK "Leave out of the sanitizers what costs most time to compile and finds least" OFF)

# heatbath_target(<target> [JUDGE]): the floating-point contract of the project (no contraction, explicit fma only, no
# errno, no traps: the same bits on every instruction set), warnings, sanitizers. A JUDGE only says what is right; quick
# sanitizers leave it out, and the check of pointers for null before each use: a null pointer that is used is a fault
# that AddressSanitizer reports as well.
function(heatbath_target target)
  cmake_parse_arguments(arg "JUDGE" "" "" ${ARGN})
  target_compile_options(${target} PRIVATE
    -fno-math-errno -fno-trapping-math -ffp-contract=off
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
  if(CMAKE_UNITY_BUILD)
    # Names of one file hide those of another beside it. GCC 12 warns of strings that it has itself inlined
    # (bugs 105329 and 105651), the more the more it sees at once.
    target_compile_options(${target} PRIVATE -Wno-shadow $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>
      "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-free-nonheap-object>")
  endif()
  if(HEATBATH_ASSERTIONS)
    target_compile_options(${target} PRIVATE -UNDEBUG)
  endif()
  if(HEATBATH_SANITIZE)
    if(NOT (arg_JUDGE AND HEATBATH_SANITIZE_QUICK))
      target_compile_options(${target} PRIVATE -fsanitize=${HEATBATH_SANITIZE} -fno-omit-frame-pointer
                             -fno-sanitize-recover=undefined)
      if(HEATBATH_SANITIZE_QUICK)
        target_compile_options(${target} PRIVATE -fno-sanitize=null)
      endif()
    else()
      # Eigen frees what it allocates differently under AddressSanitizer; matrices pass between both sorts of objects.
      target_compile_definitions(${target} PRIVATE EIGEN_MALLOC_ALREADY_ALIGNED=0)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${HEATBATH_SANITIZE})
  endif()
endfunction()

# Presets that compile from nothing set CMAKE_UNITY_BUILD: several files of a library are compiled as one, which takes
# less than half of the time (docs/adr/0043-build-time.md). Files that share names of their own with others of their
# library, or that are compiled for one instruction set, stand apart: heatbath_apart(<files...>).
function(heatbath_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# heatbath_headers(<target>): in sanitizer builds, the standard headers that most files of the libraries include are
# precompiled. Other builds go without, so a file that forgets to include what it uses is found there. A precompiled
# header serves one set of options: files with options of their own do not get it.
function(heatbath_headers target)
  get_target_property(options ${target} COMPILE_OPTIONS)
  if(NOT HEATBATH_SANITIZE OR NOT "-fsanitize=${HEATBATH_SANITIZE}" IN_LIST options)
    return()
  endif()
  if(NOT TARGET heatbath_precompiled)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/heatbath_precompiled.cpp CONTENT "")
    add_library(heatbath_precompiled OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/heatbath_precompiled.cpp)
    target_compile_features(heatbath_precompiled PUBLIC cxx_std_20)
    heatbath_target(heatbath_precompiled)
    target_precompile_headers(heatbath_precompiled PRIVATE <algorithm> <array> <atomic> <bit> <chrono> <cmath> <cstdint>
      <cstring> <filesystem> <functional> <limits> <map> <memory> <mutex> <numbers> <numeric> <optional> <span>
      <stdexcept> <string> <string_view> <system_error> <thread> <utility> <variant> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM heatbath_precompiled)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_source_file_property(own ${source} COMPILE_OPTIONS)
    if(own)
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
