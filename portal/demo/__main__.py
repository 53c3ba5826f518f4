"""`python -m portal.demo`: sets the demo's environment, then becomes `manage.py demo` in it."""

import os
import sys
from pathlib import Path

from portal.demo.environment import demo_environment

ROOT = Path(__file__).resolve().parent.parent.parent

if __name__ == "__main__":
    os.execve(  # noqa: S606
        sys.executable,
        [sys.executable, str(ROOT / "manage.py"), "demo"],
        demo_environment(os.environ, ROOT / "var"),
    )
