#pragma once
// Proving that one has a token without saying it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "heatbath/wire_protocol.hpp"

namespace heatbath {

/// Whether this build can: it needs a library (docs/dependencies.md). Where it cannot, the functions below throw
/// Error(UNSUPPORTED) that names it.
bool proves_tokens() noexcept;

/// Bytes that nobody can foresee, from the system. Throws Error(IO).
wire::Nonce fresh_nonce();

/// HMAC-SHA256 (RFC 2104) with the token as key, over a name of this use, the server's nonce and the hello, so that a proof
/// is of one connection and what it came for.
wire::Proof token_proof(const std::string& token, const wire::Nonce& nonce, const wire::Hello& hello);

/// Compares in time that does not depend on where they differ.
bool same_proof(const wire::Proof& one, const wire::Proof& other);

}  // namespace heatbath
