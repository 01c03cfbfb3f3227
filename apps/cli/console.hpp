#pragma once
// The standard streams of the command: what is asked for goes to standard output and counts, messages go to standard
// error and never stop the work.

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "apps/cli/terminal.hpp"

namespace heatbath::apps {

/// To be called before anything else. Opens /dev/null, for the other direction, in place of standard streams that are
/// closed, so that no file that is opened later is taken for one; a write to a pipe without a reader, or beyond the
/// limit on the size of files, becomes an error of that write and no signal.
void prepare_streams();

/// Writes to standard output. A failure is kept for finish_output; nothing is thrown.
void put_text(std::string_view text);

/// Writes to standard error. Failures are ignored.
void note_text(std::string_view text);

template <typename... Values>
void put(fmt::format_string<Values...> format, Values&&... values) {
  put_text(fmt::format(format, std::forward<Values>(values)...));
}

template <typename... Values>
void note(fmt::format_string<Values...> format, Values&&... values) {
  note_text(fmt::format(format, std::forward<Values>(values)...));
}

/// note(), unless --quiet: for what went well or changes nothing.
template <typename... Values>
void remark(fmt::format_string<Values...> format, Values&&... values) {
  if (!quiet()) note_text(fmt::format(format, std::forward<Values>(values)...));
}

/// Flushes standard output.
void flush_output();

/// Flushes standard output and returns `status`. When some output could not be written, prints one line about it and
/// returns 1 in place of 0.
int finish_output(int status);

}  // namespace heatbath::apps
