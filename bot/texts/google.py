"""
What is said where Google does not let us in: what is wrong, and how whoever runs the program mends it.

The log has Google's own words, in which the link to the right page is (`tracking.errors.service_words`).
"""

from __future__ import annotations

from typing import assert_never

from bot.jobs.facts import Pause
from bot.texts.wording import quoted
from tracking.errors import GoogleFault

VIDEO_INTELLIGENCE = "Google Video Intelligence"
CLOUD_STORAGE = "Google Cloud Storage"

LOGIN = "`gcloud auth application-default login`"


def no_access(fault: GoogleFault, *, service: str, subject: str = "") -> str:
    """Return why a service of Google's can't be used at all, and what mends it; `subject` is the project or the key file."""
    why, then = _why_and_what_then(fault, service, subject)
    return f"{why}. Whoever runs me can mend that: {then}."


def why_no_access(fault: GoogleFault, *, service: str, subject: str = "") -> str:
    """Return the first half of `no_access`, without a full stop, for people who can't mend it."""
    return _why_and_what_then(fault, service, subject)[0]


def paused(why: Pause) -> str:
    """Return why nothing is followed just now, in place of the stage; what comes next comes by itself."""
    match why:
        case Pause.STARTING:
            return f"Handing the video to {VIDEO_INTELLIGENCE}"
        case Pause.QUOTA:
            return "Google's quota is used up for now: trying again every minute"
        case Pause.OFFLINE:
            return "Google does not answer: trying again"
        case Pause.UNANSWERED:
            return "Google has not said whether it took the video: looking for the result"
    assert_never(why)


def quota_waits() -> str:
    """Return that a run is started again in a minute."""
    return "Google's quota is used up for now; I try again in a minute."


def _why_and_what_then(fault: GoogleFault, service: str, subject: str) -> tuple[str, str]:
    project = f"the Google project {quoted(subject)}" if subject else "its Google project"
    key_file = f"the key file {quoted(subject)}" if subject else "the key file"
    match fault:
        case GoogleFault.CREDENTIALS:
            why, then = f"{service} does not accept my credentials", "renew the application default credentials"
        case GoogleFault.NO_CREDENTIALS:
            why = f"I have no credentials for {service}"
            then = f"set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run {LOGIN}"
        case GoogleFault.KEY_FILE_MISSING:
            why = f"{_first(key_file)} is not there"
            then = "correct the path in GOOGLE_APPLICATION_CREDENTIALS, or in the file that it names"
        case GoogleFault.KEY_FILE_UNREADABLE:
            why, then = f"I may not read {key_file}", "give me the right to, or correct GOOGLE_APPLICATION_CREDENTIALS"
        case GoogleFault.KEY_FILE_MALFORMED:
            why, then = f"{_first(key_file)} is not one of Google's, or only a part of one", "download it again"
        case GoogleFault.KEY_REVOKED:
            why, then = "The key of my Google account is deleted, or the account is disabled", "make a new key"
        case GoogleFault.SIGN_IN_EXPIRED:
            why, then = "My sign-in at Google has expired", f"renew it with {LOGIN}"
        case GoogleFault.CLOCK:
            why, then = "Google refuses my sign-in, since the clock of this machine is wrong", "set the clock"
        case GoogleFault.METADATA_SERVER:
            why = "The metadata server, from which I get my credentials, does not answer"
            then = "check the machine's service account, or set GOOGLE_APPLICATION_CREDENTIALS outside of Google Cloud"
        case GoogleFault.SCOPE:
            why = f"My credentials are not made for {service}: they lack the scope cloud-platform"
            then = "give the machine that scope, or sign in again"
        case GoogleFault.API_DISABLED:
            why, then = f"The API of {service} is switched off in {project}", "enable it; the link is in the log"
        case GoogleFault.BILLING_DISABLED:
            why = f"Billing is disabled for {project}, so {service} does nothing"
            then = "enable it; Google's words are in the log"
        case GoogleFault.PROJECT:
            why, then = f"{_first(project)} is unknown to Google, or deleted", "name another project"
        case GoogleFault.SUSPENDED:
            why, then = f"Google has suspended {project.replace('its Google', 'the Google')}", "ask Google's support"
        case GoogleFault.QUOTA_PROJECT:
            why = f"My Google account may not charge {project} for what it asks"
            then = "give it the role roles/serviceusage.serviceUsageConsumer there; the link is in the log"
        case GoogleFault.NO_QUOTA_PROJECT:
            why = f"{service} wants to know which project to charge, and my sign-in names none"
            then = "run `gcloud auth application-default set-quota-project`, or use a service account"
        case GoogleFault.PERIMETER:
            why = f"A perimeter of the organisation (VPC Service Controls) keeps me from {service}"
            then = "ask its administrator, who needs the number in the log"
        case GoogleFault.ORG_POLICY:
            why = f"A policy of the organisation forbids this use of {service}"
            then = "ask its administrator; Google's words are in the log"
        case GoogleFault.RIGHT:
            why = f"My Google account lacks a right in {project} that {service} asks for"
            then = "give it the right that is named in the log"
        case GoogleFault.REQUEST:
            why = f"{service} does not take my requests in the form in which I send them"
            then = "update Tracklet; Google's words are in the log"
        case _:
            assert_never(fault)
    return why, then


def _first(words: str) -> str:
    return words[0].upper() + words[1:]
