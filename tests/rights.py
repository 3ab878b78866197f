"""An authorizer for the tests' servers.

A request itself names the rights that its user lacks, as in `Lacks: execute kernels`.
"""

from typing import Any

from jupyter_server.auth.authorizer import Authorizer


class Lacking(Authorizer):
    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return f"{action} {resource}" not in handler.request.headers.get("Lacks", "")
