"""The logins of ingest, of the web and of readers: each a member of its role, which the migrations make.

They have the names of their logins at the broker. The server is told verifiers (SCRAM), never the passwords: so none
stands in its log or in pg_stat_activity.
"""

from collections.abc import Mapping

import psycopg
from mmetering_runtime.config import Environment
from psycopg import sql

ROLES = {"ingest": "mmetering_ingest", "web": "mmetering_web", "reader": "mmetering_reader"}
# A reader shall hinder nobody: neither by a query that takes all day nor by taking all connections.
LIMITS = {
    "reader": (
        "ALTER ROLE reader CONNECTION LIMIT 20",
        "ALTER ROLE reader SET default_transaction_read_only = on",
        "ALTER ROLE reader SET statement_timeout = '60s'",
        "ALTER ROLE reader SET idle_in_transaction_session_timeout = '60s'",
    )
}
ATTEMPTS = 5
IS_THERE = """
SELECT
    to_regrole(%(login)s) IS NOT NULL,
    EXISTS (SELECT FROM pg_auth_members WHERE member = to_regrole(%(login)s) AND roleid = to_regrole(%(role)s))
"""


class LoginError(Exception):
    """The server has a role of that name which is none of ours; a person must decide."""


def passwords_from(environment: Environment) -> dict[str, str]:
    """Return the passwords of those logins for which MMETERING_DATABASE_{INGEST,WEB,READER}_PASSWORD is set.

    Raises:
        ConfigError: with the variable's name.
    """
    found = {login: environment.optional_secret(f"MMETERING_DATABASE_{login.upper()}_PASSWORD") for login in ROLES}
    return {login: password for login, password in found.items() if password}


def make_logins(conninfo: str, passwords: Mapping[str, str]) -> None:
    """Make these logins with their passwords; those that are there get the password.

    Args:
        conninfo: libpq connection string of a role that may create roles; the schema is there.
        passwords: by login; other logins are left alone.

    Raises:
        LoginError: one of the names belongs to somebody else.
        psycopg.Error: the database cannot be reached or refuses.
    """
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
        for login, password in passwords.items():
            _make_unhindered(connection, login, password)


def _make_unhindered(connection: psycopg.Connection, login: str, password: str) -> None:
    """Make a login, again where another database of the same server was at it at the same moment."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.transaction():
                _make(connection, login, password)
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation, psycopg.errors.InternalError_):
            if attempt == ATTEMPTS:
                raise
        else:
            return


def _make(connection: psycopg.Connection, login: str, password: str) -> None:
    names = sql.Identifier(login), sql.Identifier(ROLES[login])
    there, ours = connection.execute(IS_THERE, {"login": login, "role": ROLES[login]}).fetchone() or (False, False)
    if not there:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(*names))
    elif not ours:
        raise LoginError(f"the server's role {login} is no member of {ROLES[login]}, and perhaps somebody else's")
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(names[0], sql.Literal(verifier)))
    for limit in LIMITS.get(login, ()):
        connection.execute(limit)
