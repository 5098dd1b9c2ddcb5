"""Peak memory of a piece of work in this process."""

from __future__ import annotations

import resource
from pathlib import Path

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class PeakMemory:
    """Growth of the resident memory beyond what it was at `start`.

    On Linux the kernel's high-water mark is set back at every start; elsewhere only a new peak of
    the whole process is seen.
    """

    def __init__(self) -> None:
        self._before = 0
        try:
            _CLEAR.write_text("5")
            self._resets = "VmHWM" in _STATUS.read_text()
        except OSError:
            self._resets = False

    def start(self) -> None:
        """Begin anew."""
        if self._resets:
            _CLEAR.write_text("5")
        self._before = self._peak()

    @property
    def growth(self) -> int:
        """Bytes since `start`."""
        return max(0, self._peak() - self._before)

    def _peak(self) -> int:
        if not self._resets:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        text = _STATUS.read_text()
        return int(text[text.index("VmHWM:") + 6 :].split(None, 1)[0]) << 10
