"""`python -m tests.mutation`: see `run`."""

import sys

from tests.mutation.run import main

sys.exit(main())
