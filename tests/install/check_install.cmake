# SPDX-License-Identifier: BSD-3-Clause

# cmake -DWAY=... -P check_install.cmake: finds the library in one of the ways, builds the
# consumer project without a warning and runs its programs.
file(REMOVE_RECURSE ${WORK})
set(flags "-Wall -Wextra -Werror")
if(SANITIZER)
  string(APPEND flags " -fsanitize=${SANITIZER}")
endif()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

if(WAY STREQUAL examples)
  # Each is a project of its own and says with 0 that it has learned, or found what it should.
  set(examples minimal c_host in_situ swarm explore_bank explore_philosophers explore_commit
      explore_cache explore_caf)
  if(SANITIZER STREQUAL "thread")
    # A host program's plain CAF actors on CAF's own scheduler, which is not instrumented: its
    # synchronisation is not seen.
    list(REMOVE_ITEM examples swarm)
  endif()
  foreach(example IN LISTS examples)
    run(${CMAKE_COMMAND} -S ${SOURCE}/examples/${example} -B ${WORK}/${example}
        -G ${GENERATOR} -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=${C_COMPILER}
        -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_PREFIX_PATH=${PREFIX}
        "-DCMAKE_C_FLAGS=${flags}" "-DCMAKE_CXX_FLAGS=${flags}")
    run(${CMAKE_COMMAND} --build ${WORK}/${example})
    run(${CMAKE_COMMAND} -E chdir ${WORK}/${example} ${WORK}/${example}/${example})
    message("${output}")
    file(WRITE ${WORK}/${example}/output.txt "${output}")
  endforeach()
  if(NOT SANITIZER)  # which would take a quarter of an hour
    # The solver on one machine and learning on two.
    run(bash ${CMAKE_CURRENT_LIST_DIR}/two_machines.sh ${WORK}/in_situ/in_situ ${WORK}/in_situ)
    message("${output}")
  endif()
  find_program(python python3)
  if(python AND NOT SANITIZER)
    file(GLOB library ${PREFIX}/lib*/libnodezero.so ${PREFIX}/lib/*/libnodezero.so)
    run(${python} ${SOURCE}/examples/c_host/c_host.py ${library})
    message("${output}")
  endif()
  return()
endif()

if(WAY STREQUAL explore)
  run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/explorer -B ${WORK} -G ${GENERATOR}
      -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_PREFIX_PATH=${PREFIX} -DSANITIZER=${SANITIZER}
      -DCMAKE_BUILD_TYPE=Debug)
  run(${CMAKE_COMMAND} --build ${WORK})
  foreach(program bank_17 bank_20)
    run(${CMAKE_COMMAND} -E chdir ${WORK} ${WORK}/${program})
    message("${output}")
    run(readelf -d ${WORK}/${program})
    if(output MATCHES "libnodezero\\.so" OR NOT output MATCHES "libnodezero-explore\\.so")
      message(FATAL_ERROR "${program} links more than the explorer:\n${output}")
    endif()
  endforeach()
  return()
endif()

if(WAY STREQUAL symbols)
  # What the shared libraries define for others is Node Zero's, and they have nothing to do with the
  # process that they are in: no terminal, no signal handlers, no exit.
  foreach(name libnodezero libnodezero-hosts libnodezero-explore)
    file(GLOB library ${PREFIX}/lib*/${name}.so ${PREFIX}/lib/*/${name}.so)
    run(nm -DC --defined-only ${library})
    string(REGEX MATCHALL "[0-9a-f]+ [TBDR] [^\n]+" symbols "${output}")
    list(FILTER symbols EXCLUDE REGEX
         " ((typeinfo|vtable|typeinfo name) for |non-virtual thunk to )?nodezero(::|_)")
    if(symbols)
      list(JOIN symbols "\n" symbols)
      message(FATAL_ERROR "these should be hidden:\n${symbols}")
    endif()
    # 0.1 may differ from 0.2, which can be installed beside it.
    run(readelf -d ${library})
    if(NOT output MATCHES "SONAME[^\n]*\\[${name}\\.so\\.[0-9]+\\.[0-9]+\\]")
      message(FATAL_ERROR "the library's name does not say which versions fit:\n${output}")
    endif()
    if(NOT name STREQUAL libnodezero-hosts AND output MATCHES "NEEDED[^\n]*\\[(lib(caf_io|caf_openssl|ssl)[^\n]*)\\]")
      message(FATAL_ERROR "whoever trains on one machine must not load ${CMAKE_MATCH_1}")
    endif()
    run(nm -DC --undefined-only ${library})
    set(forbidden "(exit|_exit|quick_exit|signal|sigaction|printf|puts|putchar|perror|getenv|secure_getenv|setenv|system|stdout|stderr|stdin|std::cout|std::cerr|std::clog)(@|\n)")
    if(output MATCHES " [UwVvB] ${forbidden}")
      message(FATAL_ERROR "the library must not use ${CMAKE_MATCH_1}")
    endif()
  endforeach()
  # Whose layout depends on the flags of whoever compiles, or whose version on the machine. The
  # one header that is for hosts of Eigen's has nothing in the library.
  file(GLOB_RECURSE headers ${PREFIX}/include/*)
  list(FILTER headers EXCLUDE REGEX "/nodezero/eigen\\.hpp$")
  foreach(header IN LISTS headers)
    file(STRINGS ${header} foreign REGEX "Eigen|dnnl|fmt")
    if(foreign)
      message(FATAL_ERROR "${header} shows others' types:\n${foreign}")
    endif()
  endforeach()
  return()
endif()

set(options -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
    -DWAY=${WAY} -DCMAKE_PREFIX_PATH=${PREFIX} -DSANITIZER=${SANITIZER} -DCMAKE_BUILD_TYPE=Debug
    -DEXAMPLES=${SOURCE}/examples)
if(WAY STREQUAL subdirectory)
  # scripts/check-subdirectory.sh compiles the library a second time.
  set(ENV{NODEZERO_BUILD} ${BUILD})
  list(APPEND options -DNODEZERO_SOURCE=${SOURCE} -DNODEZERO_BATCHES=${BATCHES}
       -DCMAKE_CXX_COMPILER_LAUNCHER=${SOURCE}/tests/install/reuse_objects.sh)
endif()
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK} ${options})
# Quiet: nothing is said between the lines that the consumer prints around it.
if(WAY STREQUAL subdirectory AND NOT output MATCHES "before Node Zero\n-- after Node Zero\n")
  message(FATAL_ERROR "add_subdirectory speaks:\n${output}")
endif()
run(${CMAKE_COMMAND} --build ${WORK})
foreach(program cpp_host hosts_host eigen_host c_host)
  run(${CMAKE_COMMAND} -E chdir ${WORK} ${WORK}/${program})
endforeach()
