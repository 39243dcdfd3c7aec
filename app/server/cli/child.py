"""`python -m app.server.cli.child`: one process of `patron serve --processes N`, started by the supervisor only."""

import sys

from app.server import main as server
from app.server.cli.environment import run, settings
from app.server.processes import Inherited

if __name__ == "__main__":
    run(server.serve_inherited(settings(), Inherited.parse(sys.argv[1:])))
