# SPDX-License-Identifier: BSD-3-Clause

# `cpack` makes two Debian packages: nodezero, the program, and libnodezero-dev, the library with what
# is needed to build on it. scripts/package.sh makes them for any x86-64 processor.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "The Node Zero authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_CONTACT "The Node Zero authors <noreply@nodezero.invalid>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libnodezero-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "Library that trains models inside a program\nLearns while the program runs, on its threads or its own; for C++20, C and Python.")
# What its headers include. CAF and whatever else it is built from are for the static library and for
# nodezero/caf.hpp alone.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS libexpected-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SUGGESTS
    "libcaf-dev, libeigen3-dev, libfmt-dev, libsqlite3-dev, libssl-dev, libzstd-dev")

if(NODEZERO_BUILD_APPS)
  list(PREPEND CPACK_COMPONENTS_ALL program)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME nodezero)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
  set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
      "Trains GPT-style language models on CPUs\nThe same weights, bit for bit, for any number of threads, and a trace that shows every message of a run.")
endif()

# Debian looks for a package's licence here.
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  install(FILES LICENSE RENAME copyright COMPONENT ${component}
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()
include(CPack)
