"""``python -m modelyard_workspace.lab``: JupyterLab, as a program that ends when its server has ended.

With a browser connected, threads of the databases keep the interpreter alive for ever after that.
"""

from __future__ import annotations

import os
import sys

from jupyterlab.labapp import main

if __name__ == "__main__":
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
