# SPDX-License-Identifier: BSD-3-Clause

# cmake -DCLANG_FORMAT=... -DSOURCE=... -DLIST=FILE -P check_format.cmake
file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/*.cpp ${SOURCE}/*.hpp ${SOURCE}/*.c ${SOURCE}/*.h)
list(FILTER files EXCLUDE REGEX "^(build|out)/|/node_modules/")
list(LENGTH files count)
if(count LESS 500)
  message(FATAL_ERROR "only ${count} sources in ${SOURCE}")
endif()
list(JOIN files "\n" files)
file(WRITE ${LIST} "${files}\n")
execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror --files=${LIST}
  WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE code ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "run clang-format -i on these:\n${text}")
endif()
