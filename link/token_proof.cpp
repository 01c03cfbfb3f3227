#include "link/token_proof.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath {

bool proves_tokens() noexcept { return true; }

wire::Nonce fresh_nonce() {
  wire::Nonce nonce;
  for (std::size_t done = 0; done < nonce.size();) {
    const ssize_t got = ::getrandom(nonce.data() + done, nonce.size() - done, 0);
    if (got < 0 && errno != EINTR) throw Error(HB_IO, "random bytes of the system: " + numerics::system_words(errno));
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return nonce;
}

wire::Proof token_proof(const std::string& token, const wire::Nonce& nonce, const wire::Hello& hello) {
  std::vector<unsigned char> text(sizeof wire::proof_name + nonce.size() + sizeof hello);
  std::memcpy(text.data(), wire::proof_name, sizeof wire::proof_name);
  std::memcpy(text.data() + sizeof wire::proof_name, nonce.data(), nonce.size());
  std::memcpy(text.data() + sizeof wire::proof_name + nonce.size(), &hello, sizeof hello);
  wire::Proof proof;
  unsigned bytes = 0;
  if (HMAC(EVP_sha256(), token.data(), static_cast<int>(token.size()), text.data(), text.size(),
           reinterpret_cast<unsigned char*>(proof.data()), &bytes) == nullptr || bytes != proof.size())
    throw Error(HB_DEVICE, "the proof of a token: the library of hashes failed");
  return proof;
}

bool same_proof(const wire::Proof& one, const wire::Proof& other) {
  return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace heatbath
