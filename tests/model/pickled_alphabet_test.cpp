// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/pickled_alphabet.hpp"

#include <gtest/gtest.h>

namespace nodezero::model {
namespace {

// Made with Python's pickle.dumps from the dictionaries of nanoGPT's prepare.py for "hello
// wörld\n".
constexpr std::string_view protocol_2 =
    "80027d710028580a000000766f6361625f73697a6571014b0a580400000069746f7371027d7103284b005801"
    "0000000a71044b0158010000002071054b0258010000006471064b0358010000006571074b04580100000068"
    "71084b0558010000006c71094b0658010000006f710a4b07580100000072710b4b08580100000077710c4b09"
    "5802000000c3b6710d75580400000073746f69710e7d710f2868044b0068054b0168064b0268074b0368084b"
    "0468094b05680a4b06680b4b07680c4b08680d4b0975752e";
constexpr std::string_view protocol_4 =
    "8004958f000000000000007d94288c0a766f6361625f73697a65944b0a8c0469746f73947d94284b008c010a"
    "944b018c0120944b028c0164944b038c0165944b048c0168944b058c016c944b068c016f944b078c0172944b"
    "088c0177944b098c02c3b694758c0473746f69947d942868044b0068054b0168064b0268074b0368084b0468"
    "094b05680a4b06680b4b07680c4b08680d4b0975752e";
/// Unpickling this one would run a command.
constexpr std::string_view with_a_command =
    "80049529000000000000007d948c0469746f73948c05706f736978948c0673797374656d9493948c04747275"
    "659485945294732e";

std::string bytes_of(std::string_view hexadecimal) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    bytes.push_back(
        static_cast<char>(std::stoi(std::string(hexadecimal.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(PickledAlphabet, ReadsWhatNanoGptWrites) {
  const std::vector<char32_t> expected{U'\n', U' ', U'd', U'e', U'h', U'l', U'o', U'r', U'w', U'ö'};
  for (const auto pickle : {protocol_2, protocol_4}) {
    const auto alphabet = read_pickled_alphabet(bytes_of(pickle));
    ASSERT_TRUE(alphabet);
    EXPECT_EQ(*alphabet, expected);
  }
}

TEST(PickledAlphabet, RunsNothingAndRefusesTheRest) {
  EXPECT_FALSE(read_pickled_alphabet(bytes_of(with_a_command)));
  EXPECT_FALSE(read_pickled_alphabet(""));
  EXPECT_FALSE(read_pickled_alphabet("."));
  EXPECT_FALSE(read_pickled_alphabet("not a pickle"));
  const auto whole = bytes_of(protocol_4);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(read_pickled_alphabet(whole.substr(0, length)));
  }
}

// Whatever byte is damaged, reading ends without a fault.
TEST(PickledAlphabet, SurvivesEveryDamagedByte) {
  for (const auto pickle : {protocol_2, protocol_4}) {
    const auto whole = bytes_of(pickle);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        auto damaged = whole;
        damaged[at] = static_cast<char>(value);
        static_cast<void>(read_pickled_alphabet(damaged));
      }
    }
  }
}

}  // namespace
}  // namespace nodezero::model
