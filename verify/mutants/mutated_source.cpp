// SPDX-License-Identifier: BSD-3-Clause
#include "verify/mutants/mutated_source.hpp"

#include <algorithm>
#include <cctype>
#include <span>

#include <fmt/format.h>

namespace nodezero::mutants {
namespace {

constexpr std::string_view asks_itself = "$on";

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

/// A text without its white space, and where each character stood.
struct Dense {
  explicit Dense(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!is_space(text[i])) {
        characters += text[i];
        places.push_back(i);
      }
    }
  }
  std::string characters;
  std::vector<std::size_t> places;
};

/// An edit and the part of the source [begin, end) that it changes.
struct Branch {
  std::size_t begin = 0;
  std::size_t end = 0;
  const NumberedEdit* by = nullptr;
};

tl::expected<Branch, std::string> find(const Dense& source, const NumberedEdit& by) {
  const std::string text = Dense(by.edit.text).characters;
  std::size_t count = 0;
  std::size_t first = 0;
  for (auto at = source.characters.find(text); at != std::string::npos && !text.empty();
       at = source.characters.find(text, at + 1)) {
    first = count++ == 0 ? at : first;
  }
  if (count != 1) {
    return tl::unexpected(fmt::format("{}: the text of mutant {} is there {} times, not once: {}",
                                      by.edit.file, by.mutant, count, by.edit.text));
  }
  return Branch{source.places[first], source.places[first + text.size() - 1] + 1, &by};
}

std::string in_one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string asks(const NumberedEdit& by) {
  return fmt::format("::nodezero::mutants::on({})", by.number);
}

/// The text with a branch for each edit of exactly this text.
std::string with_branches(std::string_view text, std::span<const Branch> same) {
  const auto& edit = same.front().by->edit;
  if (edit.replacement.find(asks_itself) != std::string::npos) {
    std::string result = in_one_line(edit.replacement);
    for (auto at = result.find(asks_itself); at != std::string::npos;
         at = result.find(asks_itself)) {
      result.replace(at, asks_itself.size(), asks(*same.front().by));
    }
    return result + std::string(static_cast<std::size_t>(std::ranges::count(text, '\n')), '\n');
  }
  const bool is_statement = edit.text.ends_with(';') || edit.text.ends_with('}');
  std::string branches;
  for (const auto& branch : same) {
    branches += fmt::format(fmt::runtime(is_statement ? "if ({}) {{ {} }} else " : "{} ? ({}) : "),
                            asks(*branch.by), in_one_line(branch.by->edit.replacement));
  }
  return is_statement ? fmt::format("{}{{ {} }}", branches, text)
                      : fmt::format("({}({}))", branches, text);
}

class Rewriting {
 public:
  Rewriting(std::string_view source, std::span<const Branch> branches)
      : source_(source), branches_(branches) {}

  std::string whole() { return part(0, source_.size()); }

 private:
  /// Source [begin, end), with the branches from the next one on that lie in it.
  std::string part(std::size_t begin, std::size_t end) {
    std::string result;
    while (next_ < branches_.size() && branches_[next_].end <= end) {
      const Branch outer = branches_[next_];
      const std::size_t first = next_;
      while (next_ < branches_.size() && branches_[next_].begin == outer.begin &&
             branches_[next_].end == outer.end) {
        ++next_;
      }
      const auto same = branches_.subspan(first, next_ - first);
      result += source_.substr(begin, outer.begin - begin);
      result += with_branches(part(outer.begin, outer.end), same);
      begin = outer.end;
    }
    return result.append(source_.substr(begin, end - begin));
  }

  std::string_view source_;
  std::span<const Branch> branches_;
  std::size_t next_ = 0;
};

bool is_free(const Branch& branch) {
  return branch.by->edit.replacement.find(asks_itself) != std::string::npos;
}

/// True if one of them lies in the other, or they have nothing in common.
bool get_along(const Branch& one, const Branch& other) {
  const bool overlap = one.begin < other.end && other.begin < one.end;
  const bool nested = (one.begin <= other.begin && other.end <= one.end) ||
                      (other.begin <= one.begin && one.end <= other.end);
  // What a free replacement drops cannot have branches of its own.
  return !overlap || (nested && !is_free(one) && !is_free(other));
}

}  // namespace

tl::expected<std::string, std::string> mutated_source(std::string_view source,
                                                      const std::vector<NumberedEdit>& edits) {
  const Dense dense(source);
  std::vector<Branch> branches;
  for (const auto& edit : edits) {
    const auto found = find(dense, edit);
    if (!found) {
      return tl::unexpected(found.error());
    }
    for (const auto& other : branches) {
      if (!get_along(*found, other)) {
        return tl::unexpected(fmt::format("{}: mutants {} and {} cross each other", edit.edit.file,
                                          other.by->mutant, edit.mutant));
      }
    }
    branches.push_back(*found);
  }
  // Outer ones first.
  std::ranges::stable_sort(branches, [](const Branch& a, const Branch& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  return Rewriting(source, branches).whole();
}

}  // namespace nodezero::mutants
