"""Assay: the door. `assay.sdk` for applications, the `assay` command for servers.

Importing this package pulls in no server code and no third-party module.
"""

from __future__ import annotations

__version__ = "0.1.0"
