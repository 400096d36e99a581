// SPDX-License-Identifier: BSD-3-Clause

// oracle_test: holds Node Zero against numbers that other programs computed.
//   --oracle DIR  optimizer steps (see oracle.hpp)
//   --model DIR   a trained model with its reference logits (see trained_model_test.cpp)
// Without them, the folders of tests/oracle/data.

#include <filesystem>
#include <iostream>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/oracle/folders.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::oracle {

Folders& folders() {
  static const auto data = test::source_folder() / "tests/oracle/data";
  static Folders all{data / "steps", data / "trained"};
  return all;
}

}  // namespace nodezero::oracle

int main(int argc, char** argv) {
  constexpr int exit_bad_input = 2;
  testing::InitGoogleTest(&argc, argv);
  auto& folders = nodezero::oracle::folders();
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    if (i + 1 == argc || (option != "--oracle" && option != "--model")) {
      std::cerr << "oracle_test: error: takes --oracle DIR and --model DIR, not '" << option
                << "'\n";
      return exit_bad_input;
    }
    (option == "--oracle" ? folders.oracle : folders.model) = argv[i + 1];
  }
  for (const auto& file : {folders.oracle / "steps.json", folders.model / "ref.json"}) {
    if (!std::filesystem::exists(file)) {
      std::cerr << "oracle_test: error: there is no '" << file.string() << "'\n";
      return exit_bad_input;
    }
  }
  return RUN_ALL_TESTS();
}
