"""The runner as a command: `python -m inrc_conformance.runner`."""

from __future__ import annotations

import sys

from .main import main

sys.exit(main())
