"""`python -m openhotline.jobs.verdict`: verify the ledger of the house in the environment, print the verdict.

One line of JSON for the process that made a copy; people use `openhotline ledger verify`.
"""

import json
import os
import sys
from dataclasses import asdict

from openhotline.jobs.manifest import LedgerHead


def head_of_this_house() -> LedgerHead:
    """Verify the ledger of this process's database."""
    from openhotline.ledger import verify

    found = verify.verify()
    return LedgerHead(found.exit_code, found.entries, found.root, found.staged, found.first_bad, found.why)


def main() -> None:
    """Django first: the ledger is in its database."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "openhotline.django_settings"
    os.environ["OPENHOTLINE_DOOR"] = "command"
    import django

    django.setup()
    sys.stdout.write(json.dumps(asdict(head_of_this_house())) + "\n")


if __name__ == "__main__":
    main()
