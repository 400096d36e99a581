# SPDX-License-Identifier: BSD-3-Clause

# cmake -DSOURCE=FOLDER -DPAGE=FILE -DMODULES=a,b,... -DNAME=NAME -DOUTPUT=FILE -P EmbedTracePage.cmake
# Puts a page of traces into a C++ file, as a string NAME: the file PAGE with page.css and the modules in the given order, each after what it imports. The modules are
# ES modules, so that editors and Node.js read them one by one; in the page they share one
# script, hence import lines and the word export are taken out.
file(READ ${SOURCE}/page.css style)
string(REPLACE "," ";" modules "${MODULES}")
set(script "")
foreach(module IN LISTS modules)
  file(READ ${SOURCE}/${module}.js text)
  string(REGEX REPLACE "(^|\n)import [^;]*;" "" text "${text}")
  string(REGEX REPLACE "(^|\n)export " "\\1" text "${text}")
  string(APPEND script "${text}")
endforeach()
file(READ ${SOURCE}/${PAGE} page)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")

file(WRITE ${OUTPUT}
  "#include <string_view>\n\nnamespace nodezero::apps {\n"
  "extern const std::string_view ${NAME};\n"
  "const std::string_view ${NAME} = R\"page~(${page})page~\";\n"
  "}  // namespace nodezero::apps\n")
