# SPDX-License-Identifier: BSD-3-Clause

# What every target of the project is compiled with, as one interface target.
add_library(nodezero_options INTERFACE)
target_compile_features(nodezero_options INTERFACE cxx_std_20)
target_include_directories(nodezero_options INTERFACE ${PROJECT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
configure_file(${PROJECT_SOURCE_DIR}/include/nodezero/version.h.in
               ${PROJECT_BINARY_DIR}/include/nodezero/version.h @ONLY)
target_compile_options(nodezero_options INTERFACE -Wall -Wextra -Werror=unused-result -fno-math-errno
  -ffp-contract=off)  # or the compiler would decide about bits
if(NODEZERO_NATIVE)
  target_compile_options(nodezero_options INTERFACE -march=native)
endif()
if(NODEZERO_SANITIZER)
  target_compile_options(nodezero_options INTERFACE
    -fsanitize=${NODEZERO_SANITIZER} -fno-omit-frame-pointer -g1
    -UNDEBUG)  # assertions, those on the shapes of matrices among them
  if(NODEZERO_SANITIZER MATCHES "undefined")
    target_compile_options(nodezero_options INTERFACE -fno-sanitize-recover=all)
  endif()
  target_link_options(nodezero_options INTERFACE -fsanitize=${NODEZERO_SANITIZER})
endif()

# nodezero_layer(<name> <libraries>... [ROOMS <folders>...]): a layer of the project from the sources
# in the current folder and its rooms, as static library nodezero_<name>. In this project NodeZero::<name> is
# that; for others, which see the public headers alone, it is libnodezero (NodeZeroLibrary.cmake).
function(nodezero_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 LAYER "" "" "ROOMS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(room IN LISTS LAYER_ROOMS)
    file(GLOB more CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.cpp)
    list(APPEND sources ${more})
  endforeach()
  add_library(nodezero_${name} STATIC ${sources})
  if(PROJECT_IS_TOP_LEVEL)
    add_library(NodeZero::${name} ALIAS nodezero_${name})
  endif()
  # What is not marked with NODEZERO_EXPORT stays inside of libnodezero.
  set_target_properties(nodezero_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(nodezero_${name} PUBLIC nodezero_options
                        ${LAYER_UNPARSED_ARGUMENTS})
endfunction()

# The costly headers of other projects are parsed once for many files. None of ours is among them, so
# that every file includes what it uses and an edit rebuilds what it must; and none that an empty file
# would pay for, because it leaves much to be instantiated (CLI11, nlohmann's JSON).
set(nodezero_costly_headers <algorithm> <functional> <map> <memory> <optional> <string> <vector>
  <fmt/format.h> <tl/expected.hpp>)
set(nodezero_costly_headers_with_caf ${nodezero_costly_headers} <chrono> <cstdint> <filesystem>
  <fstream> <thread> <caf/actor_system.hpp> <caf/actor_system_config.hpp> <caf/all.hpp>
  <caf/scheduler/test_coordinator.hpp>)

# nodezero_batches(<target>...): compiles the sources of targets in batches if NODEZERO_BATCHES is on.
# Names that are local to a file must then differ between the files of a target.
function(nodezero_batches)
  set_target_properties(${ARGN} PROPERTIES UNITY_BUILD ${NODEZERO_BATCHES} UNITY_BUILD_BATCH_SIZE 12)
  if(NODEZERO_BATCHES)
    foreach(target IN LISTS ARGN)
      target_compile_options(${target} PRIVATE
        -Wno-subobject-linkage  # which takes a batch's anonymous namespaces for a header's
        # GCC would tidy its memory from 128 MB on, which costs a tenth of the time.
        $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288>)
    endforeach()
  endif()
endfunction()

# nodezero_precompile(<target>...): lets targets that use CAF take the headers of nodezero_runtime.
# The compiler wants the same flags for all, so programs are compiled as the library is, and not
# with the -fPIE that CMake would give them.
function(nodezero_precompile)
  foreach(target IN LISTS ARGN)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_compile_options(${target} PRIVATE -fPIC)
    target_precompile_headers(${target} REUSE_FROM nodezero_runtime)
  endforeach()
endfunction()
