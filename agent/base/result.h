// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "agent/base/ensure.h"

namespace outrider {

/// What the caller should do about an error; the text says what happened.
enum class Fault {
  kRetry,   ///< The world may change (bus down, broker away, disk full): back off and try again.
  kReject,  ///< This input is bad: count it, drop it, go on.
  kStop,    ///< Cannot work at all (bad configuration, unusable store): leave with an exit code.
};

struct Error {
  Fault fault;
  std::string text;  ///< One sentence for a person: what is wrong and what would be right.
};

inline Error retry(std::string text) { return {Fault::kRetry, std::move(text)}; }
inline Error reject(std::string text) { return {Fault::kReject, std::move(text)}; }
inline Error stop(std::string text) { return {Fault::kStop, std::move(text)}; }

/// A value or the error that kept us from it. `std::expected` needs C++23.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : held_(std::move(value)) {}  // NOLINT(google-explicit-constructor): reads as `return value`
  Result(Error error)
      : held_(std::move(error)) {}  // NOLINT(google-explicit-constructor): reads as `return error`

  explicit operator bool() const { return std::holds_alternative<T>(held_); }
  T& operator*() {
    ENSURE(*this);
    return std::get<T>(held_);
  }
  const T& operator*() const {
    ENSURE(*this);
    return std::get<T>(held_);
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }
  const Error& error() const {
    ENSURE(!*this);
    return std::get<Error>(held_);
  }

 private:
  std::variant<T, Error> held_;
};

/// Success, or an error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error)
      : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor): reads as `return error`

  explicit operator bool() const { return !error_.has_value(); }
  const Error& error() const {
    ENSURE(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

inline Status ok() { return {}; }

}  // namespace outrider
