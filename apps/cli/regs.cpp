// heatbath regs: the register map in the forms that other tools read.

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "files/atomic_file.hpp"
#include "files/register_exports.hpp"

namespace heatbath::apps {

int run_regs(const RegsOptions& options) {
  const std::string text = register_export(options.format, options.base);
  if (options.out.empty()) {
    put_text(text);
  } else {
    prepare_file(options.out);
    write_file(options.out, text);
  }
  return 0;
}

}  // namespace heatbath::apps
