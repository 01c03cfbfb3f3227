// heatbath regs: the register map in the forms that other tools read.

#include <cstdio>

#include "apps/cli/commands.hpp"
#include "apps/files/atomic_file.hpp"
#include "apps/files/register_exports.hpp"

namespace heatbath::apps {

int run_regs(const RegsOptions& options) {
  const std::string_view text = register_export(options.format);
  if (options.out.empty()) std::fwrite(text.data(), 1, text.size(), stdout);
  else write_file(options.out, std::string(text));
  return 0;
}

}  // namespace heatbath::apps
