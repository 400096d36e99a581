// SPDX-License-Identifier: BSD-3-Clause

// Our functions against those of the C library in a wider type.
#include "model/kernels/functions.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/elementwise.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/kernels.hpp"
#include "tests/model/support/each_level.hpp"

namespace nodezero::model {
namespace {

/// Of all floats as many as an environment variable asks for: every 4,099th if it is not set, and
/// each one in scripts/check-functions.sh.
std::uint64_t stride() {
  const char* const wanted = std::getenv("NODEZERO_TEST_STRIDE");
  return wanted == nullptr ? 4099 : std::max(1ULL, std::strtoull(wanted, nullptr, 10));
}

/// The distance in units of the last place of the type, of which the exact value is rounded to.
template <class Real, class Wide>
double units(Real actual, Wide exact) {
  if (std::isnan(exact) || std::isnan(actual)) {
    return std::isnan(exact) && std::isnan(actual) ? 0 : 1e9;
  }
  constexpr auto most = std::numeric_limits<Real>::max();
  if (std::abs(exact) > static_cast<Wide>(most) || std::isinf(actual)) {
    return actual == static_cast<Real>(exact) ? 0 : 1e9;
  }
  using Limits = std::numeric_limits<Real>;
  const int exponent =
      std::max(exact == 0 ? Limits::min_exponent - 1 : std::ilogb(exact), Limits::min_exponent - 1);
  return static_cast<double>(std::abs(static_cast<Wide>(actual) - exact) /
                             std::ldexp(Wide{1}, exponent - Limits::digits + 1));
}

/// Calls function(values) with blocks of floats, which in all are every stride()-th.
template <class Function>
void for_each_block_of_floats(Function function) {
  std::vector<float> block;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += stride()) {
    block.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    if (block.size() == 4096) {
      function(block);
      block.clear();
    }
  }
  function(block);
}

struct Worst {
  double distance = 0, argument = 0;

  void look(double now, double at) {
    if (now > distance) {
      *this = {now, at};
    }
  }
};

// softmax_backward() with a scale of 1 and a log-sum of 0 writes e^x over its scores.
TEST(Functions, ExpOfFloatsIsWithinTwoUnits) {
  const FloatingPointScope scope;
  test::with_each_level([](std::string_view) {
    Worst worst;
    for_each_block_of_floats([&](const std::vector<float>& x) {
      std::vector<float> y = x, d(x.size()), ones(x.size(), 1.0F);
      kernels().softmax_backward(static_cast<Index>(x.size()), 1.0F, 0.0F, 0.0F, ones.data(),
                                 y.data(), d.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst.look(units(y[i], std::exp(double{x[i]})), x[i]);
      }
    });
    EXPECT_LE(worst.distance, 2.0) << worst.argument;
    RecordProperty("worst", std::to_string(worst.distance));
  });
}

TEST(Functions, TangentOfFloatsIsWithinTwoUnits) {
  const FloatingPointScope scope;
  test::with_each_level([](std::string_view) {
    Worst worst;
    for_each_block_of_floats([&](const std::vector<float>& x) {
      std::vector<float> y = x;
      tangent(std::span(y));
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst.look(units(y[i], std::tanh(double{x[i]})), x[i]);
      }
    });
    EXPECT_LE(worst.distance, 2.0) << worst.argument;
  });
}

TEST(Functions, ErrorFunctionOfFloatsIsWithinTwoUnits) {
  const FloatingPointScope scope;
  test::with_each_level([](std::string_view) {
    Worst worst;
    for_each_block_of_floats([&](const std::vector<float>& x) {
      std::vector<float> y = x;
      error_function(std::span(y));
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst.look(units(y[i], std::erf(double{x[i]})), x[i]);
      }
    });
    EXPECT_LE(worst.distance, 2.0) << worst.argument;
    RecordProperty("worst", std::to_string(worst.distance));
  });
}

TEST(Functions, LogOfFloatsIsWithinTwoUnits) {
  Worst worst;
  for_each_block_of_floats([&](const std::vector<float>& x) {
    for (const float value : x) {
      worst.look(units(model::log(value), std::log(double{value})), value);
    }
  });
  EXPECT_LE(worst.distance, 2.0) << worst.argument;
}

TEST(Functions, OfDoublesAreWithinTwoUnits) {
  std::mt19937_64 draw(1);
  const auto uniform = [&] { return std::ldexp(static_cast<double>(draw() >> 11), -53); };
  Worst exponential, logarithm, cosine;
  for (int i = 0; i < 300'000; ++i) {
    const double x = (uniform() * 2 - 1) * (i % 2 == 0 ? 750 : 2);
    exponential.look(units(model::exp(x), std::exp(static_cast<long double>(x))), x);
    const double y = i % 2 == 0 ? std::bit_cast<double>(draw()) : 1 + (uniform() - 0.5) * 0.9;
    logarithm.look(units(model::log(y), std::log(static_cast<long double>(y))), y);
    const double z = uniform();
    // Near 1/2 the angle itself would not be exact enough for the library.
    const long double pi = 3.14159265358979323846264338327950288L;
    const long double exact = std::sin(pi * (0.5L - static_cast<long double>(z)));
    cosine.look(units(cos_of_half_turns(z), exact), z);
  }
  EXPECT_LE(exponential.distance, 2.0) << exponential.argument;
  EXPECT_LE(logarithm.distance, 2.0) << logarithm.argument;
  EXPECT_LE(cosine.distance, 2.0) << cosine.argument;
}

TEST(Functions, HaveTheirLimits) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(model::exp(-infinity), 0.0);
  EXPECT_EQ(model::exp(infinity), infinity);
  EXPECT_EQ(model::exp(0.0), 1.0);
  EXPECT_TRUE(std::isnan(model::exp(std::nan(""))));
  EXPECT_EQ(model::log(0.0), -infinity);
  EXPECT_EQ(model::log(infinity), infinity);
  EXPECT_EQ(model::log(1.0), 0.0);
  EXPECT_TRUE(std::isnan(model::log(-1.0)));
  EXPECT_EQ(cos_of_half_turns(0), 1.0);
  EXPECT_EQ(cos_of_half_turns(0.5), 0.0);
  EXPECT_EQ(cos_of_half_turns(1), -1.0);
}

}  // namespace
}  // namespace nodezero::model
