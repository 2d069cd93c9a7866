"""`python -m simkube`."""

from simkube.cli import main

main()
