"""`python -m inrc` is the command `inrc`."""

from codec.__main__ import main

if __name__ == "__main__":
    main()
