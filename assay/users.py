"""`assay store user`: who may read one project's rows from the embedded store."""

from __future__ import annotations

import sys

from schemas.settings import Settings
from schemas.store import users


def change(settings: Settings, action: str, project: str) -> int:
    """Add, list or remove; the exit code. The password of a new user is shown here only."""
    try:
        if action == "list":
            for user in users.read(settings.users_file).values():
                print(user.name)
            return 0
        if not project:
            raise users.UsersError(f"`assay store user {action}` takes --project NAME")
        if action == "remove":
            if not users.remove(settings.users_file, project):
                raise users.UsersError(f"there is no user for project {project}")
            print(f"removed {users.PREFIX}{project}; a running store refuses it from now on")
            return 0
        user, password = users.add(settings.users_file, project)
    except (users.UsersError, OSError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    print(f"user      {user.name}\npassword  {password}")
    print("The password is shown this once. It reads this project's rows only.")
    return 0
