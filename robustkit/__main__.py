"""Makes ``python -m robustkit`` run the command line."""

from robustkit.cli.main import main

main()
