"""Generation of the vectors: `python -m inrc_conformance.vectors`."""

from __future__ import annotations

import sys

from .cases import main

sys.exit(main())
