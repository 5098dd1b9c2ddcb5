"""Coverage as a command: `python -m inrc_conformance.coverage`."""

from __future__ import annotations

import sys

from .main import main

sys.exit(main())
