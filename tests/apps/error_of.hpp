#pragma once
// What a call complains about.

#include <gtest/gtest.h>

#include <string>

#include "heatbath/error.hpp"

/// Message of the heatbath::Error that `call` throws; fails the test when it throws none, another code, or more than
/// one line.
template <typename Call>
std::string error_of(hb_status_t code, const Call& call) {
  try {
    call();
  } catch (const heatbath::Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}
