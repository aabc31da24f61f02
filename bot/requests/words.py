"""
The words that people use when they speak to the bot: those that carry nothing, those that ask, and the classes of objects.

Plain sets, looked up by a word in lower case without punctuation. A word that is in none of them, and begins no option, is
unknown; `nearest` finds what it may have been meant for.
"""

from __future__ import annotations

from difflib import get_close_matches

from rendering.kinds.base import KINDS
from tracking.engines.base import EngineName
from tracking.local.coco import LABELS
from tracking.local.motion import LABELS as MOTION_LABELS

MAX_WORD_LETTERS = 30  # of a word that is compared with others
LEAST_WORD_LETTERS = 4
LIKENESS = 0.8  # a ratio of difflib: "statsu" and "status" have 0.83, "form" and "from" 0.75


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREETINGS = _words(
    "hi hello hey heya hiya yo hallo hola bonjour moin servus howdy greetings morning afternoon evening good there "
    "bot tracklet everyone all folks you are anybody anyone test testing ping"
)

OPENINGS = _words("hi hello hey please so ok okay and")

POLITE = _words(
    "please pls plz hi hello hey ok okay thanks thank thx you u can could would will just now it this that these "
    "those the my our a an job jobs tracking video videos clip clips file number no. again for me us in here right "
    "away then and so oh"
)
"""What may stand around an order without changing it, and before the bot's name."""

PRAISE = _words(
    "thanks thank thx ty tysm cheers nice nicely great greatly wow awesome amazing cool good well lovely love loved "
    "loving perfect excellent brilliant super neat sweet fantastic wonderful beautiful impressive impressed fine "
    "best better bravo congrats congratulations kudos done job works worked yay woohoo haha hahaha lol rofl ha "
    "funny interesting danke merci gracias grazie obrigado obrigada tack takk kiitos arigato spasibo rock rocks legend +1"
)

ASKING = _words(
    "track follow find detect analyse analyze identify spot recognise recognize box process start run retry again "
    "redo look watch"
)
"""Verbs that ask for what the bot does."""

IMPERATIVES = _words(
    "give send show make get tell list export download delete remove count zoom crop blur rename resend repost post "
    "print save share convert i'd want need can could would"
)
"""First words of what asks for something, known or not."""

DETERMINERS = _words("the a an any all every some these those this that my our both")

ABOUT = _words(
    "is isn't was wasn't are did didn't does doesn't has hasn't had found got gets seems looks works worked can "
    "can't could couldn't won't will would should thinks thought says said made makes misses missed tracks tracked "
    "keeps kept failed fails"
)
"""Verbs that, behind the bot's name, make it what somebody speaks of."""

ADDRESSED = _words("you u i we this that there it anyone anybody these those")

_SMALL = _words(
    "i i'm i'll i've we we're you're you'd your yours me us my our he she they them it it's its this that that's "
    "these those here here's there there's a an the some any all every each both is isn't are am was were be been "
    "being do does did don't doesn't didn't have has had having can could would will should may might must let "
    "let's want wants wanted need like likes in on at of for to and or but so as if then than too also very really "
    "quite much more most bit little lot no not yes yeah yep nope nah ok okay oh ah hm hmm um well now today maybe "
    "perhaps again please pls plz sorry what who which see seen video videos clip clips file files footage "
    "recording movie object objects everything something anything thing things stuff one ones channel thread bot "
    "tracklet job work working new same ready guys team everybody everyone man dude buddy mate way how about up out "
    "off"
)

CHATTER = _SMALL | GREETINGS | POLITE | PRAISE | ASKING
"""Words that carry nothing beside options, which are read first."""

INQUIRING = _words("what's what is how's the")
"""What may stand before an order besides: "what's the status?"."""

BEFORE_NUMBERS = _words("with by at to of")
"""What carries nothing before a number: "again with 50%"."""

STATUS_QUESTIONS = frozenset(
    {
        "are you done",
        "are you done yet",
        "are you finished",
        "is it done",
        "is it done yet",
        "how far are you",
        "how far is it",
        "how long",
        "how long will it take",
        "how long does it take",
        "what is running",
        "what's running",
        "my jobs",
    }
)
"""Whole texts that ask how far the work is."""

QUESTIONS = frozenset(
    {
        "what can you do",
        "what do you do",
        "how do you work",
        "how does this work",
        "how does it work",
        "how do i use you",
        "how do i use this",
        "how do i use it",
        "how to use you",
        "how to use this",
        "who are you",
        "what are you",
        "help me",
        "i need help",
        "commands",
        "usage",
        "man",
    }
)
"""Whole texts that ask for help in other words."""

_CLASSES = frozenset(name.lower() for name in (*LABELS, *MOTION_LABELS))

_PLURALS = {"people": "person", "persons": "person", "buses": "bus", "mice": "mouse", "sheeps": "sheep", "knives": "knife"}

_EXAMPLES = {
    **dict.fromkeys(("help", "status", "cancel", "stop", "watches", "track"), ""),
    **dict.fromkeys(("abort", "halt", "quit", "nevermind", "terminate"), "stop"),
    **dict.fromkeys(("progress", "jobs"), "status"),
    **dict.fromkeys(("manual", "instructions"), "help"),
    "auto": "auto off",
    "watch": "watch gs://bucket/prefix",
    "unwatch": "unwatch gs://bucket/prefix",
    "only": "only person, car",
    "from": "from 0:10 to 0:30",
    "between": "from 0:10 to 0:30",
    "until": "until 0:30",
    "above": "above 60%",
    "percent": "above 60%",
    "confidence": "above 60%",
    "least": "at least 5 frames",
    "frames": "at least 5 frames",
    "with": "with yolox",
    "make": "make crops",
    **{engine.value: f"with {engine.value}" for engine in EngineName if engine is not EngineName.AUTO},
}
"""A word of the grammar, and what is said with it where the word alone says nothing."""

_PREPOSITIONS = _words("from between until with")  # in "from yesterday" they are not meant for the grammar's


def is_class(text: str) -> bool:
    """Return whether a text names a class that an engine without an account knows, in one or in many."""
    return class_of(text) in _CLASSES


def class_of(text: str) -> str:
    """Return a class as the engines name it: people say "cars". A class that is not known is given back in lower case."""
    label = " ".join(text.lower().split())
    if label in _CLASSES:
        return label
    return _PLURALS.get(label) or (label.removesuffix("s") if label.removesuffix("s") in _CLASSES else label)


def kind_of(word: str) -> str:
    """Return the key of the kind of pictures that a word names, by its key or title, in one or in many; "" for none."""
    wanted = _singular(word)
    asked = (kind for kind in KINDS.values() if kind.is_for_threads)
    return next((kind.key for kind in asked if wanted in (_singular(kind.key), _singular(kind.title))), "")


def _singular(word: str) -> str:
    return word.replace("-", "").removesuffix("s").replace("ie", "y")


def nearest(word: str) -> str:
    """Return what somebody may have meant by a word that is unknown, as it would be typed; "" where nothing is near."""
    if is_class(word):
        return f"only {class_of(word)}"
    if word in _EXAMPLES:
        return "" if word in _PREPOSITIONS else _EXAMPLES[word] or word
    if not LEAST_WORD_LETTERS <= len(word) <= MAX_WORD_LETTERS:
        return ""
    if found := get_close_matches(word, _EXAMPLES, n=1, cutoff=LIKENESS):
        return _EXAMPLES[found[0]] or found[0]
    if found := get_close_matches(word, _CLASSES, n=1, cutoff=LIKENESS):
        return f"only {found[0]}"
    return ""


def nearest_engine(word: str) -> str:
    """Return what somebody may have meant by an engine's name that is none, "" where no name is near."""
    found = get_close_matches(word[:MAX_WORD_LETTERS].lower(), [engine.value for engine in EngineName], n=1, cutoff=0.6)
    return f"with {found[0]}" if found else ""
