"""`python -m cotfactory`: the command line."""

from cotfactory.flows.cli import main

if __name__ == "__main__":
    main()
