"""`python -m bridgetune`, the same as `bridgetune`."""

from bridgetune.cli import main

if __name__ == "__main__":
    main()
