// SPDX-License-Identifier: BSD-3-Clause

// What fragments that train with Eigen's matrices take as given.

#include <nodezero/eigen.hpp>

void train(const nodezero::TrainerOptions& options, const Eigen::MatrixXf& states,
           const Eigen::MatrixXf& changes) {
#include SNIPPET
}
