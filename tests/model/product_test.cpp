// SPDX-License-Identifier: BSD-3-Clause

// Every element of a product has the bits that its definition gives it: for all precisions, forms,
// levels of kernels and odd shapes, beside factors of all magnitudes.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_product.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/tensors/aligned_buffer.hpp"
#include "tests/model/support/defined_product.hpp"
#include "tests/model/support/each_level.hpp"

namespace nodezero::model {
namespace {

constexpr Precision precisions[] = {Precision::fp32, Precision::bf16, Precision::bf16_tile};

/// How a product is stored. A transposed left factor in bf16 meets a right one in bf16 as stored.
struct Form {
  bool a_transposed, b_transposed, b_is_float, accumulate;
};

std::vector<Form> forms_of(Precision precision) {
  std::vector<Form> forms;
  for (const bool accumulate : {false, true}) {
    for (const bool b_transposed : {false, true}) {
      forms.push_back({false, b_transposed, true, accumulate});
      if (precision != Precision::fp32) {
        forms.push_back({false, b_transposed, false, accumulate});
      }
    }
    forms.push_back({true, false, precision == Precision::fp32, accumulate});
  }
  return forms;
}

/// Numbers between -1 and 1; or of all magnitudes, many of them next to the smallest normal number.
class Numbers {
 public:
  explicit Numbers(bool tiny) : tiny_(tiny) {}

  float operator()() {
    const float value = std::ldexp(static_cast<float>(draw_() & 0xFFFFFF), -23) - 1.0F;
    return tiny_ ? std::ldexp(value, -static_cast<int>(draw_() % 70) - 30) : value;
  }

 private:
  bool tiny_;
  std::mt19937 draw_{7};
};

/// Factors stored as a form says, with gaps behind the rows, and their product.
class Case {
 public:
  Case(Precision precision, Index m, Index n, Index k, const Form& form, bool tiny = false)
      : precision_(precision), m_(m), n_(n), k_(k), form_(form) {
    Numbers number(tiny);
    const auto fill = [&](std::vector<float>& values, Index rows, Index columns) {
      values.resize(static_cast<std::size_t>(rows * (columns + gap)));
      std::ranges::generate(values, number);
    };
    fill(a_, form.a_transposed ? k : m, form.a_transposed ? m : k);
    fill(b_, form.b_transposed ? n : k, form.b_transposed ? k : n);
    fill(before_, m, n);
    if (tiny) {
      std::ranges::for_each(before_, [](float& c) { c = std::ldexp(c, -60); });
    }
  }

  std::vector<float> product() const {
    std::vector<float> c = before_;
    std::vector<float> scratch(static_cast<std::size_t>(product_scratch(m_, n_, k_)));
    const Matrix result(c.data(), m_, n_, n_ + gap);
    if (precision_ == Precision::fp32) {
      stored([&](auto a, auto b) { multiply(a, b, result, std::span(scratch), form_.accumulate); },
             a_, b_);
      return c;
    }
    const auto rounded = [](const std::vector<float>& values) {
      std::vector<Bf16> halves(values.size());
      std::ranges::transform(values, halves.begin(), to_bf16);
      return halves;
    };
    const Bf16Products products(precision_, std::span(scratch));
    const auto times = [&](auto a, auto b) { products.multiply(a, b, result, form_.accumulate); };
    const std::vector<Bf16> a = rounded(a_), b = rounded(b_);
    form_.b_is_float ? stored(times, a, b_) : stored(times, a, b);
    return c;
  }

  /// With the right factor packed beforehand.
  std::vector<float> product_with_packed() const {
    std::vector<float> c = before_;
    std::vector<float> scratch(static_cast<std::size_t>(product_scratch(m_, n_, k_)));
    AlignedBuffer packed(static_cast<std::size_t>(packed_floats(n_, k_)));
    const Matrix result(c.data(), m_, n_, n_ + gap);
    const ConstMatrix a(a_.data(), m_, k_, k_ + gap);
    const PackedFactor b =
        form_.b_transposed
            ? pack(ConstMatrix(b_.data(), n_, k_, k_ + gap).transpose(), Vector(packed.span()))
            : pack(ConstMatrix(b_.data(), k_, n_, n_ + gap), Vector(packed.span()));
    multiply(a, b, result, std::span(scratch));
    return c;
  }

  void expect_defined() const { expect_defined(product()); }
  void expect_defined(const std::vector<float>& actual) const {
    const Index stride = n_ + gap;
    for (Index i = 0; i < m_; ++i) {
      for (Index j = 0; j < stride; ++j) {
        const auto at = static_cast<std::size_t>(i * stride + j);
        const float start = form_.accumulate ? before_[at] : 0.0F;
        const float expected = j < n_ ? element(i, j, start) : before_[at];
        ASSERT_EQ(std::bit_cast<std::uint32_t>(actual[at]), std::bit_cast<std::uint32_t>(expected))
            << i << ", " << j << ": " << actual[at] << " for " << expected;
      }
    }
  }

  float& left(Index i, Index l) { return a_[place_in_a(i, l)]; }

 private:
  static constexpr Index gap = 2;

  std::size_t place_in_a(Index i, Index l) const {
    return static_cast<std::size_t>(form_.a_transposed ? l * (m_ + gap) + i : i * (k_ + gap) + l);
  }
  std::size_t place_in_b(Index l, Index j) const {
    return static_cast<std::size_t>(form_.b_transposed ? j * (k_ + gap) + l : l * (n_ + gap) + j);
  }

  float element(Index i, Index j, float start) const {
    std::vector<float> a, b;
    for (Index l = 0; l < k_; ++l) {
      const float x = a_[place_in_a(i, l)], y = b_[place_in_b(l, j)];
      a.push_back(precision_ == Precision::fp32 ? x : to_float(to_bf16(x)));
      b.push_back(precision_ == Precision::fp32 ? y : to_float(to_bf16(y)));
    }
    return test::defined_sum(precision_, start, a, b);
  }

  /// Calls times(a, b) with the factors as matrices.
  template <class Times, class Left, class Right>
  void stored(Times times, const std::vector<Left>& left, const std::vector<Right>& right) const {
    const MatrixMap<const Left> a(left.data(), form_.a_transposed ? k_ : m_,
                                  form_.a_transposed ? m_ : k_,
                                  (form_.a_transposed ? m_ : k_) + gap);
    const MatrixMap<const Right> b(right.data(), form_.b_transposed ? n_ : k_,
                                   form_.b_transposed ? k_ : n_,
                                   (form_.b_transposed ? k_ : n_) + gap);
    if (form_.b_transposed) {
      times(a, b.transpose());
    } else if (!form_.a_transposed) {
      times(a, b);
    } else if constexpr (std::is_same_v<Left, Right>) {
      times(a.transpose(), b);
    }
  }

  Precision precision_;
  Index m_, n_, k_;
  Form form_;
  std::vector<float> a_, b_, before_;
};

template <class Function>
void for_each_case(Function function) {
  const FloatingPointScope scope;
  test::with_each_level([&](std::string_view) {
    for (const Precision precision : precisions) {
      for (const Form& form : forms_of(precision)) {
        SCOPED_TRACE(testing::Message()
                     << "precision " << int(precision) << ", form " << form.a_transposed
                     << form.b_transposed << form.b_is_float << form.accumulate);
        function(precision, form);
      }
    }
  });
}

// Sizes around those of registers, tiles, groups of terms and blocks.
TEST(Products, HaveTheBitsOfTheirDefinitionForOddShapes) {
  const struct {
    Index m, n, k;
  } shapes[] = {{1, 1, 1},     {1, 1, 2},     {5, 7, 3},     {8, 48, 32},  {13, 65, 33},
                {9, 100, 71},  {7, 33, 97},   {17, 31, 6},   {49, 17, 31}, {9, 23, 1},
                {3, 17, 770},  {1, 70, 389},  {130, 49, 9},  {2, 780, 5},  {11, 16, 64},
                {12, 24, 385}, {3, 300, 13},  {6, 1700, 11}, {32, 257, 9}, {33, 260, 9},
                {1, 4200, 3},  {1, 300, 131}, {1, 200, 131}};
  for_each_case([&](Precision precision, const Form& form) {
    for (const auto& [m, n, k] : shapes) {
      SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k);
      Case(precision, m, n, k, form).expect_defined();
    }
  });
}

TEST(Products, HaveTheSameBitsWithAPackedFactor) {
  const FloatingPointScope scope;
  test::with_each_level([&](std::string_view) {
    for (const bool b_transposed : {false, true}) {
      for (const auto& [m, n, k] : std::vector<std::array<Index, 3>>{
               {1, 1, 1}, {5, 7, 3}, {9, 100, 71}, {130, 49, 9}, {2, 780, 5}, {3, 17, 385}}) {
        SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k << b_transposed);
        const Case each(Precision::fp32, m, n, k, {false, b_transposed, true, false});
        each.expect_defined(each.product_with_packed());
      }
    }
  });
}

TEST(Products, HaveTheBitsOfTheirDefinitionNextToZero) {
  for_each_case([](Precision precision, const Form& form) {
    Case(precision, 9, 50, 67, form, true).expect_defined();
  });
}

TEST(Products, CarryWhatIsNotFiniteIntoItsRowAlone) {
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for_each_case([&](Precision precision, const Form& form) {
      Case poisoned(precision, 20, 70, 33, form);
      poisoned.left(13, 32) = poison;
      const std::vector<float> c = poisoned.product();
      for (std::size_t i = 0; i < 20; ++i) {
        for (std::size_t j = 0; j < 70; ++j) {
          ASSERT_EQ(std::isfinite(c[i * 72 + j]), i != 13) << i << ", " << j;
        }
      }
    });
  }
}

/// y = x b for b of n columns, stored as it is or as its transpose.
void expect_row(Precision precision, Index n, Index k, bool transposed) {
  const Index stride = (transposed ? k : n) + 3;
  Numbers number(false);
  std::vector<float> x(static_cast<std::size_t>(k)), y(static_cast<std::size_t>(n) + 1, 7.0F);
  std::vector<float> b(static_cast<std::size_t>((transposed ? n : k) * stride));
  for (std::vector<float>* values : {&x, &b}) {
    for (float& value : *values) {
      value = precision == Precision::fp32 ? number() : to_float(to_bf16(number()));
    }
  }
  std::vector<Bf16> halves(b.size());
  std::ranges::transform(b, halves.begin(), to_bf16);
  const Vector result(y.data(), n);
  const ConstVector row(x.data(), k);
  const Bf16Products products(precision, Vector(nullptr, 0));
  if (precision == Precision::fp32) {
    transposed ? multiply_row(row, ConstMatrix(b.data(), n, k, stride).transpose(), result)
               : multiply_row(row, ConstMatrix(b.data(), k, n, stride), result);
  } else if (transposed) {
    products.multiply_row(row, ConstBf16Matrix(halves.data(), n, k, stride).transpose(), result);
  } else {
    products.multiply_row(row, ConstBf16Matrix(halves.data(), k, n, stride), result);
  }
  for (Index j = 0; j < n; ++j) {
    std::vector<float> column;
    for (Index i = 0; i < k; ++i) {
      column.push_back(b[static_cast<std::size_t>(transposed ? j * stride + i : i * stride + j)]);
    }
    ASSERT_EQ(y[static_cast<std::size_t>(j)], test::defined_sum(precision, 0.0F, x, column))
        << n << " " << k << " " << transposed << ", column " << j;
  }
  ASSERT_EQ(y.back(), 7.0F) << "written behind the row";
}

TEST(MultiplyRow, HasTheBitsOfTheDefinition) {
  const FloatingPointScope scope;
  test::with_each_level([](std::string_view) {
    for (const Precision precision : precisions) {
      SCOPED_TRACE(int(precision));
      for (const Index n : {1, 2, 3, 5, 16, 17, 67, 130}) {
        for (const Index k : {1, 2, 3, 4, 7, 31, 64, 129}) {
          expect_row(precision, n, k, false);
          expect_row(precision, n, k, true);
        }
      }
    }
  });
}

// Where a result rounds up to 2^-126 it depends on when an implementation looks at its size.
TEST(Products, InBf16FlushAsTheDefinitionSaysWhereResultsRoundUpToTheSmallestNumber) {
  const FloatingPointScope scope;
  test::with_each_level([](std::string_view) {
    for (const float sign : {1.0F, -1.0F}) {
      for (int units = 1; units < 16; ++units) {
        std::vector<float> c{sign * 0x1p-126F}, scratch(4096);
        const Bf16 a = to_bf16(-sign * std::ldexp(static_cast<float>(units), -75));
        const Bf16 b = to_bf16(0x1p-78F);
        const float expected = test::flushed_fma(to_float(a), to_float(b), c[0]);
        const Bf16Products products(Precision::bf16, std::span(scratch));
        products.multiply(ConstBf16Matrix(&a, 1, 1), ConstBf16Matrix(&b, 1, 1),
                          Matrix(c.data(), 1, 1), true);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(c[0]), std::bit_cast<std::uint32_t>(expected))
            << sign << ", " << units;
      }
    }
  });
  EXPECT_EQ(test::flushed_fma(-5 * 0x1p-75F, 0x1p-78F, 0x1p-126F), 0.0F);
}

}  // namespace
}  // namespace nodezero::model
