#pragma once
// What a refusal says.

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "heatbath/error.hpp"

namespace heatbath::network {

/// The text of the Error that `call` throws; fails the test where it throws none, or one of another code.
inline std::string message_of(const std::function<void()>& call, hb_status_t code) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

}  // namespace heatbath::network
