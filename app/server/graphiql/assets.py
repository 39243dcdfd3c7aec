"""The files of the page: GraphiQL and React as fetched by scripts/graphiql, and the script that starts them."""

import os
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).parent / "static"


class RevalidatedStaticFiles(StaticFiles):
    """Files a browser keeps but asks about each time.

    Without this it guesses how long to keep a file from its age, and runs the old `start.js` against a new page.
    """

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, to be asked about each time."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files() -> StaticFiles:
    """The application to mount at the path that `page` is given as `assets`."""
    return RevalidatedStaticFiles(directory=STATIC)
