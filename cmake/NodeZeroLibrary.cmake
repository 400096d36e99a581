# SPDX-License-Identifier: BSD-3-Clause

# libnodezero, shared and static, from the objects of all layers; and the targets that other
# projects link: NodeZero::model, NodeZero::runtime and NodeZero::actors, with CAF NodeZero::caf and
# with Eigen NodeZero::eigen. libnodezero-hosts is the same with a network, to be linked in its place:
# NodeZero::hosts. libnodezero-explore is for any CAF program and has nothing of models:
# NodeZero::explore.
function(nodezero_library target type name)
  cmake_parse_arguments(PARSE_ARGV 3 LIBRARY "" "STANDARD" "LAYERS;PUBLIC;PRIVATE")
  set(objects)
  foreach(layer IN LISTS LIBRARY_LAYERS)
    list(APPEND objects $<TARGET_OBJECTS:${layer}>)
  endforeach()
  add_library(${target} ${type} ${objects})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(${target} INTERFACE ${LIBRARY_STANDARD})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC ${LIBRARY_PUBLIC} PRIVATE ${LIBRARY_PRIVATE}
    fmt::fmt zstd::zstd Threads::Threads)
  if(NODEZERO_SANITIZER)
    target_link_options(${target} PUBLIC -fsanitize=${NODEZERO_SANITIZER})
  endif()
endfunction()

function(nodezero_libraries type suffix)
  set(layers ${nodezero_kernel_levels} nodezero_error nodezero_formats nodezero_model nodezero_trace
    nodezero_inspect nodezero_runtime nodezero_actors)
  nodezero_library(nodezero_${suffix} ${type} nodezero STANDARD cxx_std_20
    LAYERS ${layers}
    PUBLIC tl::expected
    PRIVATE CAF::core OpenSSL::Crypto SQLite::SQLite3 ZLIB::ZLIB)
  nodezero_library(nodezero_hosts_${suffix} ${type} nodezero-hosts STANDARD cxx_std_20
    LAYERS ${layers} nodezero_network nodezero_machines
    PUBLIC tl::expected
    PRIVATE CAF::io CAF::core OpenSSL::SSL OpenSSL::Crypto SQLite::SQLite3 ZLIB::ZLIB)
  nodezero_library(nodezero_explore_${suffix} ${type} nodezero-explore STANDARD cxx_std_17
    LAYERS nodezero_error nodezero_formats nodezero_trace nodezero_runtime nodezero_explore
    PUBLIC CAF::core)
endfunction()

include(GNUInstallDirs)
if(PROJECT_IS_TOP_LEVEL)
  nodezero_libraries(SHARED shared)
  nodezero_libraries(STATIC static)
else()
  set(type STATIC)
  if(BUILD_SHARED_LIBS)
    set(type SHARED)
  endif()
  nodezero_libraries(${type} library)
  foreach(name model runtime actors)
    add_library(NodeZero::${name} ALIAS nodezero_library)
  endforeach()
  add_library(NodeZero::hosts ALIAS nodezero_hosts_library)
  add_library(NodeZero::explore ALIAS nodezero_explore_library)
  foreach(name caf eigen)
    add_library(nodezero_${name} INTERFACE)
    add_library(NodeZero::${name} ALIAS nodezero_${name})
  endforeach()
  target_link_libraries(nodezero_caf INTERFACE nodezero_library CAF::core)
  target_link_libraries(nodezero_eigen INTERFACE nodezero_library Eigen3::Eigen)
endif()
