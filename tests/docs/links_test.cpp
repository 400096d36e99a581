// SPDX-License-Identifier: BSD-3-Clause

// Links between the pages lead to files that exist and to headings that they have.

#include <algorithm>
#include <cctype>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/page.hpp"

namespace nodezero::test {

namespace {

/// A heading's anchor as GitHub makes it.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const unsigned char c : heading) {
    if (std::isalnum(c) != 0 || c == '-' || c == '_' || c >= 0x80) {
      anchor += static_cast<char>(std::tolower(c));
    } else if (c == ' ') {
      anchor += '-';
    }
  }
  return anchor;
}

/// The lines of a page outside of its fenced blocks.
std::vector<std::string> prose_of(const std::string& page) {
  std::vector<std::string> prose;
  std::istringstream lines(content(page));
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
    } else if (!inside) {
      prose.push_back(line);
    }
  }
  return prose;
}

std::set<std::string> anchors_in(const std::string& page) {
  std::set<std::string> anchors;
  for (const auto& line : prose_of(page)) {
    if (line.starts_with("#")) {
      anchors.insert(anchor_of(line.substr(line.find_first_not_of("# "))));
    }
  }
  return anchors;
}

void expect_target(const std::string& page, const std::string& target) {
  const auto hash = target.find('#');
  const auto path = target.substr(0, hash);
  const auto file =
      path.empty() ? page
                   : (std::filesystem::path(page).parent_path() / path).lexically_normal().string();
  EXPECT_TRUE(std::filesystem::exists(repository() / file)) << page << " links to " << target;
  if (hash != std::string::npos && file.ends_with(".md")) {
    EXPECT_TRUE(anchors_in(file).contains(target.substr(hash + 1)))
        << page << " links to " << target << ", a heading that does not exist";
  }
}

TEST(Links, LeadToFilesAndHeadings) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  int count = 0;
  for (const auto& page : pages()) {
    for (const auto& line : prose_of(page)) {
      for (std::sregex_iterator found(line.begin(), line.end(), link), end; found != end; ++found) {
        const auto target = (*found)[1].str();
        if (target.find("://") == std::string::npos) {
          ++count;
          expect_target(page, target);
        }
      }
    }
  }
  EXPECT_GT(count, 20);
}

}  // namespace

}  // namespace nodezero::test
