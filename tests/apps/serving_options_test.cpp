// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/serving/serving_options.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {
namespace {

std::filesystem::path key_file(const std::string& content) {
  const auto path =
      std::filesystem::path(testing::TempDir()) /
      (testing::UnitTest::GetInstance()->current_test_info()->name() + std::string(".key"));
  std::ofstream(path) << content;
  return path;
}

/// What is wrong with them; nothing if they are taken.
std::string complaint(const std::string& place, const ServingFlags& flags) {
  try {
    static_cast<void>(serving_options(place, flags));
    return {};
  } catch (const CommandError& error) {
    EXPECT_EQ(error.exit_code(), exit_bad_input);
    return error.what();
  }
}

TEST(ServingOptions, ListenOnThisMachineUnlessTold) {
  const auto options = serving_options("8080", {});
  EXPECT_EQ(options.address, "127.0.0.1");
  EXPECT_EQ(options.port, 8080);
  EXPECT_TRUE(options.key.empty());
  EXPECT_TRUE(options.origins.empty());
  EXPECT_EQ(serving_options("[::1]:0", {}).address, "::1");
}

TEST(ServingOptions, NeedAKeyForOtherMachines) {
  for (const char* const place : {"0.0.0.0:8080", "[::]:8080", "192.168.0.7:8080", "host:8080"}) {
    EXPECT_NE(complaint(place, {}).find("--api-key"), std::string::npos) << place;
    EXPECT_EQ(complaint(place, {.key = "secret", .key_file = {}, .origins = {}}), "") << place;
  }
  for (const char* const place : {"127.0.0.1:8080", "127.0.0.2:1", "localhost:8080", "[::1]:1"}) {
    EXPECT_EQ(complaint(place, {}), "") << place;
  }
}

TEST(ServingOptions, TakeTheKeyFromAFile) {
  ServingFlags flags;
  flags.key_file = key_file("secret of many words \r\n\n");
  EXPECT_EQ(serving_options("8080", flags).key, "secret of many words");
  flags.key = "another";
  EXPECT_NE(complaint("8080", flags).find("not both"), std::string::npos);
  flags.key.clear();
  flags.key_file = key_file(" \n");
  EXPECT_NE(complaint("8080", flags).find("is empty"), std::string::npos);
  flags.key_file = "no/such/file";
  EXPECT_NE(complaint("8080", flags), "");
}

TEST(ServingOptions, RefuseWhatIsNoPlace) {
  for (const char* const place :
       {"", ":8080", "localhost:", "65536", "-1", "80 ", "a:b", "8080x"}) {
    EXPECT_NE(complaint(place, {}), "") << place;
  }
}

}  // namespace
}  // namespace nodezero::apps
