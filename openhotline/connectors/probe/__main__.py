"""`python -m openhotline.connectors.probe --socket PATH --config FILE|-`: one prober process."""

import argparse
import logging
import sys
from pathlib import Path

from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.server import serve


def main() -> int:
    """Exit code 0 after a clean stop, 2 if the configuration or the socket is wrong."""
    parser = argparse.ArgumentParser(prog="openhotline-prober", description=__doc__)
    parser.add_argument("--socket", required=True, help="path of the Unix socket to serve on")
    parser.add_argument("--config", required=True, help="JSON file, or - for standard input")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="prober: %(message)s")
    try:
        text = sys.stdin.read() if chosen.config == "-" else Path(chosen.config).read_text("utf-8")
        serve(chosen.socket, ProbeConfig.from_json(text))
    except (ValueError, OSError) as fault:
        sys.stderr.write(f"The prober cannot start: {fault}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
