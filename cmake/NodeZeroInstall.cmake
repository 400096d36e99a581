# SPDX-License-Identifier: BSD-3-Clause

# What `cmake --install` puts where.
include(CMakePackageConfigHelpers)

if(NOT PROJECT_IS_TOP_LEVEL)
  message(FATAL_ERROR "Node Zero is installed from a build of its own: set NODEZERO_INSTALL=OFF")
endif()
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/NodeZero)

foreach(type shared static)
  set_target_properties(nodezero_${type} PROPERTIES EXPORT_NAME ${type})
  install(TARGETS nodezero_${type} EXPORT NodeZero_${type} COMPONENT library)
  install(EXPORT NodeZero_${type} NAMESPACE NodeZero:: DESTINATION ${package_folder}
          COMPONENT library)
  set_target_properties(nodezero_hosts_${type} PROPERTIES EXPORT_NAME hosts_${type})
  install(TARGETS nodezero_hosts_${type} EXPORT NodeZero_hosts_${type} COMPONENT library)
  install(EXPORT NodeZero_hosts_${type} NAMESPACE NodeZero:: DESTINATION ${package_folder}
          COMPONENT library)
  set_target_properties(nodezero_explore_${type} PROPERTIES EXPORT_NAME explore_${type})
  install(TARGETS nodezero_explore_${type} EXPORT NodeZero_explore_${type} COMPONENT library)
  install(EXPORT NodeZero_explore_${type} NAMESPACE NodeZero:: DESTINATION ${package_folder}
          COMPONENT library)
endforeach()
install(DIRECTORY include/nodezero DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
        FILES_MATCHING PATTERN *.h PATTERN *.hpp)
install(FILES ${PROJECT_BINARY_DIR}/include/nodezero/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nodezero COMPONENT library)

configure_package_config_file(cmake/NodeZeroConfig.cmake.in NodeZeroConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(NodeZeroConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/NodeZeroConfig.cmake
              ${PROJECT_BINARY_DIR}/NodeZeroConfigVersion.cmake
              cmake/FindCAF.cmake cmake/Findzstd.cmake
        DESTINATION ${package_folder} COMPONENT library)

file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(name nodezero nodezero-hosts nodezero-caf nodezero-eigen nodezero-explore)
  configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT library)
endforeach()

if(NODEZERO_BUILD_APPS)
  install(TARGETS nodezero COMPONENT program)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/manual/man ${PROJECT_BINARY_DIR}/manual/bash-completion
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR} COMPONENT program)
endif()

# The reference of the installed headers.
find_package(Doxygen QUIET)
if(DOXYGEN_FOUND)
  configure_file(docs/Doxyfile.in Doxyfile @ONLY)
  add_custom_target(reference COMMAND Doxygen::doxygen ${PROJECT_BINARY_DIR}/Doxyfile VERBATIM)
endif()

include(NodeZeroPackages)
