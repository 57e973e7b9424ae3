"""What can befall a call to an Ollama server, at each point of its way, and what comes of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from harness.models.port import BadReply, ModelBusy, ModelError, ModelMissing, ModelUnavailable
from tests.doubles.ollama import Answer, Fault, Load, OllamaDouble, Rules, Trouble, Weights

GIB = 1 << 30
ROOM = 10 * GIB  # for one of the models, and not for two
MODEL, OTHER = "a:1b", "b:1b"
WORDS = "Word by word by word."
BROKEN_TEXT = '<tool_call>{"name": "rss", "arguments": {"limit": '

PS, TAGS, LOAD, CHAT = "/api/ps", "/api/tags", "/api/generate", "/api/chat"
EMBED, SPOKEN = "/api/embed", "/v1/chat/completions"
UNLOAD = LOAD  # the same route, with keep_alive 0

# the limits that end each wait, in seconds, as `Timeouts` and the pool have them by default
LOOKING = 5.0
LEAVING = 5.0
LOADING = 300.0
FIRST_TOKEN = 5.0 + 120.0  # a look whether the model is in memory, and the wait from then on
IDLE = 120.0


class Before(Enum):
    """What was asked before the call that is befallen."""

    NOTHING = "cold"
    SAME = "warm"
    OTHER = "full"  # another model, which must leave the memory


@dataclass(frozen=True)
class Case:
    """`error` None: it is answered all the same. `seconds`: how long that takes, within one."""

    name: str
    spoil: Callable[[OllamaDouble], Any]
    error: type[ModelError] | None = ModelUnavailable
    seconds: float = 0.0
    before: Before = Before.NOTHING

    def __str__(self) -> str:
        return f"{self.name}, {self.before.value}"


def models() -> list[Weights]:
    return [Weights(name, size=7 * GIB) for name in (MODEL, OTHER)]


def double(**settings: Any) -> OllamaDouble:
    return OllamaDouble(models(), rules=Rules(memory=ROOM), **settings)


async def befall(case: Case, double: OllamaDouble) -> None:
    done = case.spoil(double)
    if inspect.isawaitable(done):
        await done


async def heal(double: OllamaDouble) -> None:
    """From now on all is well with it."""
    double.trouble, double.told = lambda _: None, lambda truth: truth
    double.weights = {each.full_name: each for each in models()}
    await double.back()


def once(path: str, *troubles: Trouble | None) -> Callable[[OllamaDouble], Any]:
    return lambda double: double.spoil(path, *troubles)


def always(trouble: Trouble, *paths: str) -> Callable[[OllamaDouble], Any]:
    def spoil(double: OllamaDouble) -> None:
        double.trouble = lambda call: trouble if call.path in paths else None

    return spoil


def saying(answer: Answer) -> Callable[[OllamaDouble], Any]:
    return lambda double: double.say(answer)


def loading(fate: Load) -> Callable[[OllamaDouble], Any]:
    return lambda double: double.spoil_load(MODEL, fate)


def telling(models: Callable[[list[Any]], object]) -> Callable[[OllamaDouble], Any]:
    """What it says of its memory is not so."""

    def spoil(double: OllamaDouble) -> None:
        double.told = lambda truth: {"models": models(truth["models"])}

    return spoil


def removed(double: OllamaDouble) -> None:
    """`ollama rm`: it goes from the memory as from the disk."""
    double.engine.unload(double.weights.pop(MODEL))


def evicted(double: OllamaDouble) -> None:
    double.engine.unload(double.weights[MODEL])


async def restarted(double: OllamaDouble) -> None:
    await double.away()
    for weights in models():
        double.engine.unload(weights)
    await double.back()


def hangs_unseen(double: OllamaDouble) -> None:
    """It says no word of the answer, nor of what it holds."""
    double.say(Answer(WORDS, fault=Fault.HANG))
    always(Trouble.HANG, PS)(double)


def slow_memory(double: OllamaDouble) -> None:
    object.__setattr__(double.rules, "recover_seconds", 3600.0)


STATUSES: dict[Trouble, type[ModelError]] = {
    Trouble.REFUSED: ModelError,
    Trouble.NOT_FOUND: ModelUnavailable,
    Trouble.TOO_MANY: ModelBusy,
    Trouble.CANCELED: ModelUnavailable,
    Trouble.FAILS: ModelUnavailable,
    Trouble.GATEWAY: ModelUnavailable,
    Trouble.BUSY: ModelBusy,
    Trouble.ODD_ERROR: ModelUnavailable,
}
BROKEN = (Trouble.RESET, Trouble.GARBAGE, Trouble.NOT_AN_OBJECT)


def requests() -> Iterator[Case]:
    """What befalls each of the requests that a call is made of."""
    cold, warm, full = Before.NOTHING, Before.SAME, Before.OTHER
    yield Case("connect refused", lambda double: double.away())
    yield Case("connect refused", lambda double: double.away(), before=warm)
    for trouble, error in STATUSES.items():
        seen = ModelUnavailable if error is ModelError else error  # it is the host that is ill
        yield Case(f"look: {trouble}", once(PS, trouble), seen)
        yield Case(f"load: {trouble}", once(LOAD, trouble), error)
        yield Case(f"chat: {trouble}", once(CHAT, trouble), error)
        yield Case(f"chat: {trouble}", once(CHAT, trouble), error, before=warm)
        yield Case(f"unload: {trouble}", once(UNLOAD, trouble), None, LEAVING, full)
    for trouble in BROKEN:
        yield Case(f"look: {trouble}", once(PS, trouble))
        yield Case(f"chat: {trouble}", once(CHAT, trouble))
        yield Case(f"chat: {trouble}", once(CHAT, trouble), before=warm)
    yield Case("load: reset", once(LOAD, Trouble.RESET))
    yield Case("load: garbage", once(LOAD, Trouble.GARBAGE), None)
    yield Case("unload: reset", once(UNLOAD, Trouble.RESET), None, LEAVING, full)
    yield Case("disk: hang", always(Trouble.HANG, TAGS), seconds=LOOKING)
    yield Case("disk: 500", always(Trouble.FAILS, TAGS))
    yield Case("look: hang", once(PS, Trouble.HANG), seconds=LOOKING)
    yield Case("load: hang", once(LOAD, Trouble.HANG), seconds=LOADING)
    yield Case("unload: hang", once(UNLOAD, Trouble.HANG), None, LEAVING, full)
    yield Case("chat: hang", once(CHAT, Trouble.HANG), seconds=FIRST_TOKEN)
    yield Case("chat: hang", once(CHAT, Trouble.HANG), seconds=FIRST_TOKEN, before=warm)
    yield Case("chat and look: hang", hangs_unseen, seconds=LOADING, before=warm)
    yield Case("look after unload: hang", once(PS, None, Trouble.HANG), None, LEAVING, full)
    yield Case("look after load: hang", once(PS, None, Trouble.HANG), None, LOOKING, cold)


def answers() -> Iterator[Case]:
    """What befalls the answer, before its first word, in the middle and at its end."""
    whole = len(Answer(WORDS).pieces)
    for before in (Before.NOTHING, Before.SAME):
        for sent in (0, 1, whole):
            for fault in Fault:
                answer = Answer(WORDS, fault=fault, fault_after=sent)
                error: type[ModelError] = ModelUnavailable
                seconds = 0.0
                if fault is Fault.HANG:
                    seconds = IDLE if sent else FIRST_TOKEN
                elif fault is Fault.BROKEN_CALL:
                    error = BadReply
                yield Case(f"{fault} after {sent}", saying(answer), error, seconds, before)
    again = Answer("a" * 31, piece=1, fault=Fault.END, fault_after=31)
    yield Case("the same token again and again", saying(again))
    yield Case("half a call as text", saying(Answer(BROKEN_TEXT)), BadReply)


def memory() -> Iterator[Case]:
    """What befalls the model in the server's memory."""
    warm, full = Before.SAME, Before.OTHER
    yield Case("a load beyond its time", loading(Load(seconds=3600.0)), seconds=LOADING)
    yield Case("a slow load", loading(Load(seconds=250.0)), None, 250.0)
    yield Case(
        "a crash in the load", loading(Load(seconds=20.0, crash="signal: killed")), seconds=20.0
    )
    yield Case("a load called off", once(LOAD, Trouble.CANCELED))
    yield Case("removed", removed, ModelMissing, before=warm)
    yield Case("evicted by another program", evicted, None, before=warm)
    yield Case("restarted", restarted, None, before=warm)
    yield Case("its memory is not given back", slow_memory, None, 1.5, full)
    yield Case("said to hold nothing", telling(lambda _: []), None)
    yield Case("said to hold nothing", telling(lambda _: []), None, before=warm)
    yield Case("said to hold nothing", telling(lambda _: []), None, before=full)
    held = {"name": MODEL, "model": MODEL, "size": 1, "context_length": 16_384}
    yield Case("said to hold it", telling(lambda _: [held]), None)
    yield Case(
        "said to hold what left", telling(lambda true: [{"model": OTHER}, *true]), None, 5.0, full
    )
    yield Case("said to hold something without a name", telling(lambda _: [{}]), None)
    for odd in (None, 7, "none", [None], [{"model": 7}]):
        yield Case(f"its memory told as {odd}", telling(lambda _, odd=odd: odd))  # type: ignore[misc]


def vectors() -> Iterator[Case]:
    """What befalls a request for embeddings, whose load goes by the same route."""
    for trouble, error in STATUSES.items():
        yield Case(f"load: {trouble}", once(EMBED, trouble), error)
        yield Case(f"embed: {trouble}", once(EMBED, trouble), error, before=Before.SAME)
    for trouble in BROKEN:
        yield Case(f"embed: {trouble}", once(EMBED, trouble), before=Before.SAME)
    yield Case("connect refused", lambda double: double.away(), before=Before.SAME)
    yield Case("load: hang", once(EMBED, Trouble.HANG), seconds=LOADING)
    hang = once(EMBED, Trouble.HANG)
    yield Case("embed: hang", hang, seconds=LOADING + IDLE, before=Before.SAME)
    yield Case("look: hang", once(PS, Trouble.HANG), seconds=LOOKING)
    yield Case("removed", removed, ModelMissing, before=Before.SAME)
    yield Case("evicted by another program", evicted, None, before=Before.SAME)
    yield Case("restarted", restarted, None, before=Before.SAME)


def completions() -> Iterator[Case]:
    """What befalls a call by OpenAI's protocol, where nobody can be asked what is loaded."""
    yield Case("connect refused", lambda double: double.away())
    for trouble, error in STATUSES.items():
        missing = ModelMissing if trouble is Trouble.NOT_FOUND else error
        yield Case(f"chat: {trouble}", once(SPOKEN, trouble), missing)
    for trouble in BROKEN:
        yield Case(f"chat: {trouble}", once(SPOKEN, trouble))
    yield Case("chat: hang", once(SPOKEN, Trouble.HANG), seconds=IDLE)
    yield Case("a load beyond its time", loading(Load(seconds=3600.0)), seconds=IDLE)
    yield Case("a crash in the load", loading(Load(seconds=20.0, crash="killed")), seconds=20.0)
    for sent in (0, 1, len(Answer(WORDS).pieces)):
        for fault in Fault:
            answer = Answer(WORDS, fault=fault, fault_after=sent)
            error = BadReply if fault is Fault.BROKEN_CALL else ModelUnavailable
            seconds = IDLE if fault is Fault.HANG else 0.0
            yield Case(f"{fault} after {sent}", saying(answer), error, seconds)
    yield Case("half a call as text", saying(Answer(BROKEN_TEXT)), BadReply)


CASES = [*requests(), *answers(), *memory()]
VECTORS, COMPLETIONS = [*vectors()], [*completions()]
