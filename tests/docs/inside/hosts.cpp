// SPDX-License-Identifier: BSD-3-Clause

#include <nodezero/hosts.hpp>
#include <nodezero/multilayer_perceptron.hpp>

void hosts(const nodezero::MultilayerPerceptron& model, nodezero::TrainerOptions options) {
#include SNIPPET
}
