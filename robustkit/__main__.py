"""``python -m robustkit`` is `robustkit`."""

from robustkit.cli.main import main

main()
