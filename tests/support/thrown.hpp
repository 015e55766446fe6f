// What a call throws: its type, its message and what its accessors say.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <typeinfo>

#include <tutelage/core/errors.hpp>

namespace test {

/// The exception that `call` throws. Ends the test case when it throws none, or one of another type
/// than Error itself.
template <class Error>
Error thrown_by(const std::function<void()>& call) {
  std::string instead = "nothing";
  try {
    call();
  } catch (const tutelage::error& e) {
    const Error* const expected = dynamic_cast<const Error*>(&e);
    if (expected != nullptr && typeid(e) == typeid(Error)) return *expected;
    instead = std::string(typeid(e).name()) + ": " + e.what();
  } catch (const std::exception& e) {
    instead = std::string(typeid(e).name()) + ": " + e.what();
  }
  FAIL(tutelage::detail::text("expected ", typeid(Error).name(), ", thrown was ", instead));
  throw std::logic_error("not reached");
}

/// The message of the exception of type Error that `call` throws.
template <class Error>
std::string message_of(const std::function<void()>& call) {
  return thrown_by<Error>(call).what();
}

}  // namespace test
