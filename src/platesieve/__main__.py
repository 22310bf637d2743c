"""Start the command line: python -m platesieve."""

from platesieve.cli.main import main

if __name__ == "__main__":
    main()
