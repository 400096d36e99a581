// SPDX-License-Identifier: BSD-3-Clause

// What `promtool check metrics` looks at, without promtool.
#include "apps/nodezero/train/prometheus_file.hpp"

#include <fstream>
#include <iterator>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {
namespace {

namespace fs = std::filesystem;

RunMetrics all_metrics() {
  return {.run = "00000000000000ab",
          .is_active = true,
          .steps = 12,
          .planned_steps = 100,
          .tokens = 2'304,
          .epoch = 1,
          .loss = 5.25,
          .gradient_norm = 1.5,
          .learning_rate = 1e-4,
          .step_seconds = 0.01,
          .busy_spheres = 3,
          .validation_loss = std::numeric_limits<double>::infinity(),
          .checkpoint_step = 10};
}

TEST(PrometheusText, HasHelpTypeAndOneValueForEachMetric) {
  std::istringstream text(prometheus_text(all_metrics()));
  std::set<std::string> names;
  std::string help, type, value;
  while (std::getline(text, help)) {
    ASSERT_TRUE(std::getline(text, type) && std::getline(text, value));
    std::smatch of_help, of_type, of_value;
    ASSERT_TRUE(
        std::regex_match(help, of_help, std::regex("# HELP (nodezero_[a-z_]+) ([^\\\\]+)\\.")));
    ASSERT_TRUE(std::regex_match(type, of_type, std::regex("# TYPE (\\S+) (gauge|counter)")));
    ASSERT_TRUE(std::regex_match(
        value, of_value, std::regex("(\\S+)\\{run=\"00000000000000ab\"\\} (-?[0-9.e+-]+|inf|nan)")))
        << value;
    const std::string name = of_help[1];
    EXPECT_EQ(of_type[1], name);
    EXPECT_EQ(of_value[1], name);
    EXPECT_TRUE(names.insert(name).second) << name;
    // Counters end in _total, and nothing else does.
    EXPECT_EQ(of_type[2] == "counter", name.ends_with("_total")) << name;
  }
  EXPECT_EQ(names.size(), 12u);
  EXPECT_TRUE(prometheus_text(all_metrics()).ends_with("\n"));
}

TEST(PrometheusText, LeavesOutWhatHasNoValueYet) {
  const auto text = prometheus_text({.run = "1", .planned_steps = 7});
  EXPECT_EQ(text.find("loss"), std::string::npos);
  EXPECT_NE(text.find("nodezero_planned_steps{run=\"1\"} 7\n"), std::string::npos);
}

TEST(PrometheusFile, IsReplacedAtOnceOrAfterASecond) {
  const auto folder = fs::path(testing::TempDir()) / "prometheus";
  fs::create_directories(folder);
  const auto path = folder / "run.prom";
  const auto content = [&] {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  auto metrics = all_metrics();
  PrometheusFile file(path, metrics);
  EXPECT_EQ(content(), prometheus_text(metrics));
  const auto before = content();
  metrics.steps = 13;
  EXPECT_TRUE(file.update(metrics, true));
  EXPECT_EQ(content(), prometheus_text(metrics));
  EXPECT_NE(content(), before);
  // Nothing is left beside it, and nobody sees half of a file.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
  fs::remove_all(folder);
  EXPECT_FALSE(file.update(metrics, true));
  EXPECT_THROW(PrometheusFile(path, metrics), CommandError);
}

}  // namespace
}  // namespace nodezero::apps
