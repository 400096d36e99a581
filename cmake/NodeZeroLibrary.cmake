# SPDX-License-Identifier: BSD-3-Clause

# libnodezero, shared and static, from the objects of all layers; and the targets that other
# projects link: NodeZero::model, NodeZero::runtime and NodeZero::actors, with CAF NodeZero::caf and
# with Eigen NodeZero::eigen.
set(layers ${nodezero_kernel_levels} nodezero_error nodezero_formats nodezero_model nodezero_trace nodezero_inspect nodezero_runtime nodezero_actors)
set(objects)
foreach(layer IN LISTS layers)
  list(APPEND objects $<TARGET_OBJECTS:${layer}>)
endforeach()

function(nodezero_library target type)
  add_library(${target} ${type} ${objects})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME nodezero LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC tl::expected
    PRIVATE CAF::core fmt::fmt OpenSSL::Crypto SQLite::SQLite3
    ZLIB::ZLIB zstd::zstd Threads::Threads)
  if(NODEZERO_SANITIZER)
    target_link_options(${target} PUBLIC -fsanitize=${NODEZERO_SANITIZER})
  endif()
endfunction()

include(GNUInstallDirs)
if(PROJECT_IS_TOP_LEVEL)
  nodezero_library(nodezero_shared SHARED)
  nodezero_library(nodezero_static STATIC)
else()
  set(type STATIC)
  if(BUILD_SHARED_LIBS)
    set(type SHARED)
  endif()
  nodezero_library(nodezero_library ${type})
  foreach(name model runtime actors)
    add_library(NodeZero::${name} ALIAS nodezero_library)
  endforeach()
  foreach(name caf eigen)
    add_library(nodezero_${name} INTERFACE)
    add_library(NodeZero::${name} ALIAS nodezero_${name})
  endforeach()
  target_link_libraries(nodezero_caf INTERFACE nodezero_library CAF::core)
  target_link_libraries(nodezero_eigen INTERFACE nodezero_library Eigen3::Eigen)
endif()
