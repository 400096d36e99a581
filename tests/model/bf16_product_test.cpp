// SPDX-License-Identifier: BSD-3-Clause

// The products of bf16 against sums in double, over odd shapes and all forms.
#include "model/kernels/bf16_product.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/bf16.hpp"
#include "model/kernels/precision.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

/// The forms of a product that exist: a transposed left factor meets a right one in bf16 as stored.
struct Form {
  bool a_transposed, b_transposed, b_is_float, accumulate;
};

/// Random factors, stored as the form says, and the product that is expected of them.
class Case {
 public:
  Case(Index m, Index n, Index k, const Form& form)
      : m_(m),
        n_(n),
        k_(k),
        form_(form),
        a_stride_(bf16_stride(form.a_transposed ? m : k)),
        b_stride_(bf16_stride(form.b_transposed ? k : n)),
        a_(static_cast<std::size_t>((form.a_transposed ? k : m) * a_stride_)),
        b_(static_cast<std::size_t>((form.b_transposed ? n : k) * b_stride_)),
        narrow_b_(b_.size()) {
    const auto noise = test::noise(a_.size() + b_.size(), 7);
    for (std::size_t i = 0; i < a_.size(); ++i) {
      const bool behind_row = static_cast<Index>(i) % a_stride_ >= (form.a_transposed ? m : k);
      a_[i] = to_bf16(behind_row ? 0.0f : static_cast<float>(noise[i]));
    }
    for (std::size_t i = 0; i < b_.size(); ++i) {
      b_[i] = static_cast<float>(noise[a_.size() + i]);
      narrow_b_[i] = to_bf16(b_[i]);
    }
  }

  /// c with a column of room behind each row, which must keep its value.
  std::vector<float> product() const {
    std::vector<float> c(static_cast<std::size_t>(m_ * (n_ + 1)), before);
    std::vector<Bf16> memory(bf16_product_scratch(n_, k_));
    const Matrix result(c.data(), m_, n_, n_ + 1);
    const Bf16Vector scratch{std::span(memory)};
    const auto times = [&](auto b) {
      if (form_.b_transposed) {
        multiply(ConstBf16Matrix(a_.data(), m_, k_, a_stride_), b.transpose(), result, scratch,
                 form_.accumulate);
      } else {
        multiply(ConstBf16Matrix(a_.data(), m_, k_, a_stride_), b, result, scratch,
                 form_.accumulate);
      }
    };
    const Index rows = form_.b_transposed ? n_ : k_, columns = form_.b_transposed ? k_ : n_;
    const ConstBf16Matrix narrow_b(narrow_b_.data(), rows, columns, b_stride_);
    if (form_.a_transposed) {
      multiply(ConstBf16Matrix(a_.data(), k_, m_, a_stride_).transpose(), narrow_b, result, scratch,
               form_.accumulate);
    } else if (form_.b_is_float) {
      times(ConstMatrix(b_.data(), rows, columns, b_stride_));
    } else {
      times(narrow_b);
    }
    return c;
  }

  void expect_product() const {
    const std::vector<float> memory = product();
    const ConstMatrix c(memory.data(), m_, n_ + 1);
    for (Index i = 0; i < m_; ++i) {
      EXPECT_EQ(c(i, n_), before) << "written behind row " << i;
      for (Index j = 0; j < n_; ++j) {
        double sum = form_.accumulate ? before : 0, scale = 1;
        for (Index l = 0; l < k_; ++l) {
          const double term =
              to_float(a_[place_in_a(i, l)]) * to_float(narrow_b_[place_in_b(l, j)]);
          sum += term;
          scale += std::abs(term);
        }
        ASSERT_NEAR(c(i, j), sum, 1e-6 * scale) << i << ", " << j;
      }
    }
  }

  Bf16& left(Index i, Index l) { return a_[place_in_a(i, l)]; }

 private:
  static constexpr float before = 0.5f;
  std::size_t place_in_a(Index i, Index l) const {
    return static_cast<std::size_t>(form_.a_transposed ? l * a_stride_ + i : i * a_stride_ + l);
  }
  std::size_t place_in_b(Index l, Index j) const {
    return static_cast<std::size_t>(form_.b_transposed ? j * b_stride_ + l : l * b_stride_ + j);
  }

  Index m_, n_, k_;
  Form form_;
  Index a_stride_, b_stride_;
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
  for (const bool accumulate : {false, true}) {
    forms.push_back({true, false, false, accumulate});
    for (const bool b_transposed : {false, true}) {
      for (const bool b_is_float : {false, true}) {
        forms.push_back({false, b_transposed, b_is_float, accumulate});
      }
    }
  }
  return forms;
}

TEST_F(Bf16Product, IsThatOfDoublesOverOddShapes) {
  const struct {
    Index m, n, k;
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
