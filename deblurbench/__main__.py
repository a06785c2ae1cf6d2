"""`python -m deblurbench` is the `deblurbench` command."""

from deblurbench.cli.main import main

if __name__ == "__main__":
    main()
