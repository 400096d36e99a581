// SPDX-License-Identifier: BSD-3-Clause

// The products of bf16 against sums in double, over odd shapes and all forms.
#include "model/kernels/bf16_product.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/precision.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

struct Form {
  bool a_transposed, b_transposed, b_is_float, accumulate;
};

/// Random factors, stored as the form says, and the product that is expected of them.
class Case {
 public:
  Case(std::int64_t m, std::int64_t n, std::int64_t k, const Form& form)
      : m_(m),
        n_(n),
        k_(k),
        form_(form),
        a_stride_(bf16_stride(form.a_transposed ? m : k)),
        b_stride_(bf16_stride(form.b_transposed ? k : n)),
        a_(size(a_rows() * a_stride_)),
        b_(size(b_rows() * b_stride_)),
        narrow_b_(b_.size()) {
    const auto noise = test::noise(a_.size() + b_.size(), 7);
    for (std::int64_t row = 0; row < a_rows(); ++row) {
      for (std::int64_t column = 0; column < (form.a_transposed ? m : k); ++column) {
        const std::size_t i = size(row * a_stride_ + column);
        a_[i] = to_bf16(static_cast<float>(noise[i]));
      }
    }
    for (std::int64_t row = 0; row < b_rows(); ++row) {
      for (std::int64_t column = 0; column < (form.b_transposed ? k : n); ++column) {
        const std::size_t i = size(row * b_stride_ + column);
        b_[i] = static_cast<float>(noise[a_.size() + i]);
        narrow_b_[i] = to_bf16(b_[i]);
      }
    }
  }

  /// c with a column of room behind each row, which must keep its value.
  std::vector<float> product() const {
    std::vector<float> c(size(m_ * (n_ + 1)), before);
    std::vector<Bf16> scratch(bf16_product_scratch(n_, k_));
    const Bf16View a{a_.data(), a_stride_, form_.a_transposed};
    if (form_.b_is_float) {
      multiply(m_, n_, k_, a, MatrixView{b_.data(), b_stride_, form_.b_transposed}, c.data(),
               n_ + 1, form_.accumulate, scratch.data());
    } else {
      multiply(m_, n_, k_, a, Bf16View{narrow_b_.data(), b_stride_, form_.b_transposed}, c.data(),
               n_ + 1, form_.accumulate, scratch.data());
    }
    return c;
  }

  void expect_product() const {
    const std::vector<float> c = product();
    for (std::int64_t i = 0; i < m_; ++i) {
      EXPECT_EQ(c[size(i * (n_ + 1) + n_)], before) << "written behind row " << i;
      for (std::int64_t j = 0; j < n_; ++j) {
        double sum = form_.accumulate ? before : 0, scale = 1;
        for (std::int64_t l = 0; l < k_; ++l) {
          const double term = a(i, l) * b(l, j);
          sum += term;
          scale += std::abs(term);
        }
        ASSERT_NEAR(c[size(i * (n_ + 1) + j)], sum, 1e-6 * scale) << i << ", " << j;
      }
    }
  }

  Bf16& left(std::int64_t i, std::int64_t l) {
    return a_[size(form_.a_transposed ? l * a_stride_ + i : i * a_stride_ + l)];
  }

 private:
  static constexpr float before = 0.5f;
  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  std::int64_t a_rows() const { return form_.a_transposed ? k_ : m_; }
  std::int64_t b_rows() const { return form_.b_transposed ? n_ : k_; }
  double a(std::int64_t i, std::int64_t l) const {
    return to_float(a_[size(form_.a_transposed ? l * a_stride_ + i : i * a_stride_ + l)]);
  }
  double b(std::int64_t l, std::int64_t j) const {
    return to_float(narrow_b_[size(form_.b_transposed ? j * b_stride_ + l : l * b_stride_ + j)]);
  }

  std::int64_t m_, n_, k_;
  Form form_;
  std::int64_t a_stride_, b_stride_;
  std::vector<Bf16> a_;
  std::vector<float> b_;
  std::vector<Bf16> narrow_b_;
};

class Bf16Product : public testing::Test {
 protected:
  void SetUp() override {
    if (!check_processor(Precision::bf16)) {
      GTEST_SKIP() << "this processor has no AVX512_BF16";
    }
  }
};

std::vector<Form> all_forms() {
  std::vector<Form> forms;
  for (int bits = 0; bits < 16; ++bits) {
    forms.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
  }
  return forms;
}

TEST_F(Bf16Product, IsThatOfDoublesOverOddShapes) {
  const struct {
    std::int64_t m, n, k;
  } shapes[] = {{1, 1, 1},   {1, 1, 2},    {5, 7, 3},    {6, 64, 32},  {13, 65, 33},  {50, 100, 71},
                {7, 63, 97}, {97, 130, 6}, {49, 17, 31}, {96, 129, 1}, {3, 70, 2049}, {4, 5, 4101}};
  for (const auto& [m, n, k] : shapes) {
    for (const Form& form : all_forms()) {
      SCOPED_TRACE(testing::Message()
                   << m << " x " << n << " x " << k << ", forms " << form.a_transposed
                   << form.b_transposed << form.b_is_float << form.accumulate);
      Case(m, n, k, form).expect_product();
    }
  }
}

TEST_F(Bf16Product, HasTheSameBitsAtAnyAddress) {
  for (const Form& form : all_forms()) {
    const Case first(50, 100, 71, form);
    const std::vector<char> in_the_way(24);
    const Case second(50, 100, 71, form);
    const std::vector<float> a = first.product(), b = second.product();
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
  }
}

TEST_F(Bf16Product, CarriesWhatIsNotFiniteIntoItsRowAlone) {
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const Form& form : all_forms()) {
      Case poisoned(20, 70, 33, form);
      poisoned.left(13, 32) = to_bf16(poison);
      const std::vector<float> c = poisoned.product();
      for (std::size_t i = 0; i < 20; ++i) {
        for (std::size_t j = 0; j < 70; ++j) {
          ASSERT_EQ(std::isfinite(c[i * 71 + j]), i != 13) << i << ", " << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace nodezero::model
