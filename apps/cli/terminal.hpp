#pragma once
// What the person at the terminal wants to see: how much, and how wide.

#include <cstddef>
#include <string>
#include <string_view>

namespace heatbath::apps {

/// With true, standard error has errors alone: no progress, no log, no remarks (--quiet).
void set_quiet(bool quiet);
bool quiet();

/// Whether a descriptor is a terminal that can redraw a line: not where $TERM is "dumb".
bool is_screen(int descriptor);

/// Columns of the terminal at a descriptor: what it says, else $COLUMNS, else 80; 0 where it is no terminal.
std::size_t columns_of(int descriptor);

/// The front of `text` that takes at most `columns` columns.
std::string_view first_columns(std::string_view text, std::size_t columns);

/// Lines of --help no longer than `columns` (0: as they are): what does not fit goes on below where its text began, at
/// the column where two blanks or more end. Words longer than a line stay whole.
std::string wrapped_help(std::string_view text, std::size_t columns);

}  // namespace heatbath::apps
