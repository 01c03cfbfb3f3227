// In place of token_proof.cpp where a build has no library of hashes.

#include "heatbath/error.hpp"
#include "link/token_proof.hpp"

namespace heatbath {
namespace {

[[noreturn]] void refuse() {
  throw Error(HB_UNSUPPORTED, "tokens: this build has no library of hashes: install libssl-dev (Debian), then configure and build again");
}

}  // namespace

bool proves_tokens() noexcept { return false; }
wire::Nonce fresh_nonce() { refuse(); }
wire::Proof token_proof(const std::string&, const wire::Nonce&, const wire::Hello&) { refuse(); }
bool same_proof(const wire::Proof&, const wire::Proof&) { refuse(); }

}  // namespace heatbath
