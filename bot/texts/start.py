"""
What hinders the bot from starting: the second half of the sentence about a setting, which says why and what to do.

The first half, "SLACK_BOT_TOKEN can't be used: ...", is `errors.option_fault`'s. No value of a secret comes in here.
"""

from __future__ import annotations

from bot.texts.wording import quoted

WHERE_THE_BOTS_IS = "Copy the Bot User OAuth Token (xoxb-...) from your app's page, OAuth & Permissions"
HOW_THE_APPS_IS_MADE = (
    "Make an app-level token (xapp-...) with the scope connections:write on your app's page, Basic Information, and turn "
    "Socket Mode on; or leave SLACK_APP_TOKEN unset and let events come over HTTP"
)


def bot_token_refused(reason: str, needed: str = "") -> str:
    """Slack does not take the bot's token; `reason` is Slack's own word, `needed` the scope that it misses."""
    match reason:
        case "invalid_auth":
            why = "Slack does not know this token"
        case "not_authed":
            why = "Slack got no token"
        case "account_inactive" | "token_revoked" | "token_expired":
            why = "Slack no longer takes this token, since the app was removed or installed again"
        case "not_allowed_token_type":
            why = "this is a token of another kind"
        case "missing_scope":
            wanted = f"the scope {quoted(needed)}" if needed else "a scope"
            why = f"this token lacks {wanted}; add it on your app's page and install the app again"
        case _:
            why = "Slack refuses this token"
    return f"{why} ({quoted(reason)}). {WHERE_THE_BOTS_IS}"


def bot_token_of_another_kind(prefix: str) -> str:
    """Return the variable holds a token whose beginning says that it is no bot's."""
    return f"a token that begins with {prefix} is not a bot's. {WHERE_THE_BOTS_IS}"


def app_token_refused(reason: str) -> str:
    """Slack does not take the app-level token; `reason` is Slack's own word."""
    return f"Slack refuses this token ({quoted(reason)}). {HOW_THE_APPS_IS_MADE}"


def app_token_of_another_kind() -> str:
    """Return the variable holds a token that does not begin like an app-level one."""
    return f"an app-level token begins with xapp-. {HOW_THE_APPS_IS_MADE}"


def token_with_other_characters() -> str:
    """Return a token with a blank, a line break or a letter that no token has: most often copied with something around it."""
    return "there is a blank or another character in it that no token has. Copy it again"


def slack_is_not_there() -> str:
    """Something answers at the address of Slack's Web API that is not Slack."""
    return "what answers there is not Slack's Web API. Leave it unset, unless you use a proxy or the playground"


def waiting_for_slack(host: str) -> str:
    """Said once when Slack does not answer at the start."""
    return (
        f"Slack ({quoted(host)}) does not answer. I keep trying and start as soon as it does. Check the network, and "
        "TRACKLET_SLACK_API_URL where it is set."
    )


def several_processes_need_postgres() -> str:
    """Say what workers need; stands behind the setting."""
    return "a front that only answers, and workers beside it, need one Postgres database; `tracklet serve` works on its own"


def port_taken() -> str:
    """Another program listens on the port."""
    return "another program uses that port. End it, or choose another port; 0 takes one that is free"


def port_forbidden() -> str:
    """Return the system keeps the port for administrators."""
    return "this user may not listen on that port. Choose one from 1024 on"


def host_not_ours(why: str) -> str:
    """Return the address is not one of this machine's."""
    reason = f" ({quoted(why)})" if why else ""
    return f"this machine can't listen there{reason}. Use 127.0.0.1 for this machine alone, or 0.0.0.0 for all of its addresses"


def wrong_signature() -> str:
    """Said once in the log: a request came that Slack may have signed, with another secret than ours."""
    return (
        "A request to /slack/events is not signed with SLACK_SIGNING_SECRET and was refused. If Slack sent it, copy the secret "
        "again from your app's page, Basic Information."
    )


def folder_in_use() -> str:
    """Another process of ours works in the data folder."""
    return "another Tracklet works in that folder. End it first, or give this one a folder of its own"


def database_address_wanted() -> str:
    """Return the address of the database can't be read; it may hold a password, so it is not shown."""
    return "it must be an address such as postgresql://user:password@host/name. Leave it unset for SQLite in the data folder"


def database_unreachable(why: str) -> str:
    """Return the database does not let us in."""
    reason = f" ({quoted(why, limit=160)})" if why else ""
    return f"the database does not answer{reason}. Check that it runs, the address, the user and the password"


def database_read_only() -> str:
    """Return that the database takes no changes."""
    return "that database takes no changes: it is a standby, or was set to read only. Give the address of the primary"


def database_encoding(encoding: str) -> str:
    """Return that the database cannot hold every text."""
    return f"its encoding is {quoted(encoding)}, which can't hold every name and emoji. Make a database with ENCODING 'UTF8'"


def database_without_rights(user: str) -> str:
    """Return that `user` may not make tables in the database."""
    return (
        f"{quoted(user)} may not make tables and schemas there. Make that user the owner: ALTER DATABASE ... OWNER TO ...; or "
        "grant CREATE on the database and on its schema public"
    )


def newer_database(version: str) -> str:
    """Return a database that a later program has changed."""
    return (
        f"a newer Tracklet made that database (its version is {quoted(version)}, which I do not know). Run that newer version "
        "again, or restore a backup of the database that was made before the update. I changed nothing"
    )
