// SPDX-License-Identifier: BSD-3-Clause

// oracle_test: holds Node Zero against numbers that other programs computed.
//   --oracle DIR  optimizer steps (see oracle.hpp)
//   --model DIR   a trained model with its reference logits
// Ends with 77 and says so when the references that it looks for by itself are not there.

#include <iostream>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/oracle/folders.hpp"

namespace nodezero::oracle {

Folders& folders() {
  static Folders all{NODEZERO_REFERENCES "/gpt2-steps", NODEZERO_REFERENCES "/hf-gpt2-char"};
  return all;
}

}  // namespace nodezero::oracle

int main(int argc, char** argv) {
  constexpr int exit_bad_input = 2;
  constexpr int exit_skipped = 77;
  testing::InitGoogleTest(&argc, argv);
  auto& folders = nodezero::oracle::folders();
  bool named = false;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    if (i + 1 == argc || (option != "--oracle" && option != "--model")) {
      std::cerr << "oracle_test: error: takes --oracle DIR and --model DIR, not '" << option
                << "'\n";
      return exit_bad_input;
    }
    (option == "--oracle" ? folders.oracle : folders.model) = argv[i + 1];
    named = true;
  }
  if (!std::filesystem::exists(folders.oracle / "steps.json")) {
    std::cerr << "oracle_test: " << (named ? "error" : "NOT TESTED") << ": '"
              << folders.oracle.string()
              << "' has no steps.json; name a folder with --oracle DIR\n";
    return named ? exit_bad_input : exit_skipped;
  }
  return RUN_ALL_TESTS();
}
