// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The one header that includes CAF's network layer, as runtime/caf.hpp does its core.

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/io/network/acceptor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>

#include "runtime/caf.hpp"
