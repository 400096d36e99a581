# SPDX-License-Identifier: BSD-3-Clause

# cmake -DSOURCE=FOLDER -DMODULES=a,b,... -DOUTPUT=FILE -P EmbedTracePage.cmake
# Puts the page of `nodezero trace export --format html` into a C++ file, as a string: page.html
# with page.css and the modules in the given order, each after what it imports. The modules are
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
file(READ ${SOURCE}/page.html page)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")

file(WRITE ${OUTPUT}
  "#include <string_view>\n\nnamespace nodezero::apps {\n"
  "extern const std::string_view trace_page_template;\n"
  "const std::string_view trace_page_template = R\"page~(${page})page~\";\n"
  "}  // namespace nodezero::apps\n")
