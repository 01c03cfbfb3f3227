# What `cmake --install` leaves: the libraries as a CMake package (find_package(heatbath)), their headers. The
# commands are installed by apps/ and conformance/. Components: `library` (libheatbath of C), `devel` (all that builds
# against Heatbath), `tools` (commands, manual pages, completion), `python`; `cpack` makes one Debian package of all.
include(CMakePackageConfigHelpers)

set(HEATBATH_HAS_SYSTEMC OFF)
if(TARGET heatbath_systemc)
  set(HEATBATH_HAS_SYSTEMC ON)
endif()
set(HEATBATH_HAS_MPI OFF)
if(TARGET heatbath_mpi)
  set(HEATBATH_HAS_MPI ON)
endif()

# First the libraries that hosts link, then their parts. A host of a physical device needs only heatbath::driver.
set(heatbath_installed)
foreach(part firmware c link driver conformance ladder oracles network solvers trainers studies measure cells numerics sim server tlm mpi systemc ranks device analog physics)
  if(TARGET heatbath_${part})
    set_target_properties(heatbath_${part} PROPERTIES EXPORT_NAME ${part})
    list(APPEND heatbath_installed heatbath_${part})
  endif()
endforeach()
if(TARGET heatbath)
  list(APPEND heatbath_installed heatbath)   # the umbrella: driver and emulator
endif()

install(TARGETS ${heatbath_installed} EXPORT heatbathTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT devel
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(part firmware_api capi cells numerics link driver conformance sim network server solvers trainers studies measure hw_model/physics)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${part}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
endforeach()
if(TARGET heatbath_systemc)
  # Under their names in the source tree: a platform includes "hw_model/systemc/heatbath_chip.hpp".
  foreach(header systemc/heatbath_chip systemc/chip_blocks systemc/chip_trace systemc/cell_level
                 physics/array physics/cell_kinds physics/parameters)
    cmake_path(GET header PARENT_PATH folder)
    install(FILES ${PROJECT_SOURCE_DIR}/hw_model/${header}.hpp
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/heatbath-model/hw_model/${folder})
  endforeach()
endif()
# For Makefiles and others that use pkg-config: libheatbath, and the firmware API alone.
string(REGEX REPLACE "[^/]+" ".." HEATBATH_PREFIX_FROM_PC "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
foreach(package heatbath heatbath-firmware)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${package}.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT library)

set(heatbath_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/heatbath)
install(EXPORT heatbathTargets NAMESPACE heatbath:: DESTINATION ${heatbath_package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/heatbathConfig.cmake.in
  ${PROJECT_BINARY_DIR}/heatbathConfig.cmake INSTALL_DESTINATION ${heatbath_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/heatbathConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/heatbathConfig.cmake ${PROJECT_BINARY_DIR}/heatbathConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindSystemC.cmake
  DESTINATION ${heatbath_package_dir})

# cpack: one .deb with everything, the shared libraries that it needs found by dpkg-shlibdeps.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The Heatbath authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(HEATBATH_PYTHON_ABI)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "python3-numpy, ${HEATBATH_PYTHON_ABI}")
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox, bash-completion, python3-h5py")
# libheatbath is found before the package is installed.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/capi)
include(CPack)
