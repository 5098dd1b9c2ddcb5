"""inrc: scientific volumes, images and shapes stored as fitted functions.

`import inrc` gives the same objects as `import codec`, under the name that the package is installed
by; `python -m inrc` is the command `inrc`.
"""

from codec import *  # noqa: F403 - the public names of codec, which its __all__ lists
from codec import __all__ as __all__
from codec import __version__ as __version__
