"""Progress bars for calls that take `progress`: progress=True shows one, Bar("what") one with a name. Needs tqdm."""

from __future__ import annotations

import typing


class Bar:
    """A bar of tqdm for one call that takes `progress`: on a terminal, or in a notebook. It ends at 1, or with the call."""

    def __init__(self, name: str = "heatbath") -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError("a progress bar needs tqdm: pip install 'heatbath[progress]'; or give progress a function") from error
        self._bar: typing.Any = tqdm(total=100.0, desc=name, bar_format="{desc}: {percentage:3.0f} %|{bar}| {elapsed}<{remaining}{postfix}")

    def __call__(self, fraction: float, what: str = "") -> None:
        """Shows the fraction done, and in words what is being done."""
        if what:
            self._bar.set_postfix_str(what, refresh=False)
        self._bar.update(100.0 * fraction - self._bar.n)
        if fraction >= 1:
            self._bar.close()

    def __del__(self) -> None:
        if hasattr(self, "_bar"):
            self._bar.close()
