# SPDX-License-Identifier: BSD-3-Clause

# cmake -DCOMPILER=... -DFLAGS=<response file> -DPRECOMPILED=<header> -DSOURCE=<case> -P check_misuse.cmake
function(compile result output)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C
                          ${COMPILER} @${FLAGS} -include ${PRECOMPILED} -fsyntax-only ${ARGN} ${SOURCE}
                  RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(${result} ${code} PARENT_SCOPE)
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

file(STRINGS ${SOURCE} expected REGEX "^// expect: .+")
list(TRANSFORM expected REPLACE "^// expect: " "")
if(NOT expected)
  message(FATAL_ERROR "${SOURCE} has no line \"// expect: <words of the diagnostic>\"")
endif()

compile(sound diagnostic)
if(NOT sound EQUAL 0)
  message(FATAL_ERROR "${SOURCE} must compile without NODEZERO_MISUSE:\n${diagnostic}")
endif()

compile(misused diagnostic -DNODEZERO_MISUSE)
if(misused EQUAL 0)
  message(FATAL_ERROR "${SOURCE} must not compile with NODEZERO_MISUSE, but does")
endif()
foreach(words IN LISTS expected)
  string(FIND "${diagnostic}" "${words}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "${SOURCE} fails without saying \"${words}\":\n${diagnostic}")
  endif()
endforeach()
message("${SOURCE} compiles, and with NODEZERO_MISUSE fails as expected")
