"""`python -m gradflow`: the command `gradflow`."""

import sys

from gradflow.cli import main

sys.exit(main())
