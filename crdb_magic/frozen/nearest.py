"""What is asked is not in a recording: the sentences that say so, and what is most like it there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from crdb_magic.core.wording import beginning
from crdb_magic.errors import NotRecordedError
from crdb_magic.frozen.events import Event
from crdb_magic.frozen.recording import Question, Recording
from crdb_magic.sql.kinds import may_write
from crdb_magic.sql.messages import some

FROM_THE_TOP = "run the cells in the recorded order, from the top: %crdb_connect --frozen again, or a new kernel."
AGAIN = (
    "to record again: %crdb_freeze off, %crdb_connect, %crdb_freeze DIR; or CRDB_MAGIC_FREEZE=DIR in the environment."
)
_SHOWN = 100  # characters of a line, or of a statement
_BEFORE = 40  # characters before the first one that differs
_LINES = 12
_COMPARED = 2_000  # characters
_ALIKE = 0.5  # of difflib's ratio
_PLACEHOLDER = re.compile(r'%\((?P<given>\w+)\)s|%s|(?<![:\w]):(?P<quote>"?)(?P<named>\w+)(?P=quote)')


def shortened(text: str) -> str:
    """Give the beginning of a statement, in one line."""
    return beginning(text, _SHOWN)


def other_rows(text: str) -> NotRecordedError:
    """Say that a COPY sends other rows than it did."""
    return NotRecordedError(
        f"Other rows are written than were recorded: {shortened(text)}",
        hint=f"a recording that is served stores nothing; {AGAIN}",
    )


def no_rows(text: str) -> NotRecordedError:
    """Say that what a COPY of the user's own gave is not recorded."""
    return NotRecordedError(
        f"The rows of a COPY … TO STDOUT are not in a recording: {shortened(text)}",
        hint="%crdb_export, db.frames and the query itself are served.",
    )


def other_encoding(text: str) -> NotRecordedError:
    """Say that texts are not served in another encoding."""
    return NotRecordedError(f"A recording is served in UTF-8 alone: {shortened(text)}")


def missing(recording: Recording, question: Question, after: int) -> NotRecordedError:
    """Say why there is no answer to a question: it was asked elsewhere, otherwise, or not at all."""
    if recording.knows(question):
        return _elsewhere(recording, question, after)
    same = [one for one in recording.statements if one.text == question.text]
    here = [one for one in same if one.connection == question.connection]
    if here:
        return _otherwise(question, here)
    if same:
        shown = recording.places[same[0].connection].shown if same[0].connection in recording.places else ""
        named = f" ({shown})" if shown else ""
        return NotRecordedError(
            f"It was recorded on another connection, number {same[0].connection}{named}: {shortened(question.text)}",
            hint="open the connections in the order in which they were recorded.",
        )
    return _unlike(recording, question, after)


def _elsewhere(recording: Recording, question: Question, after: int) -> NotRecordedError:
    """Say behind which write it was asked."""
    places = [one.after for one in recording.statements if Question.of(one) == question]
    last, there = recording.write(after), recording.write(places[0])
    was, now = (f"after {shortened(one.text)}" if one else "before the first write" for one in (there, last))
    if after < 0:
        now = "after transactions that ended differently"
    return NotRecordedError(
        f"It was recorded at a different point: {shortened(question.text)}\n- {was}\n+ {now}",
        hint=" ".join((*_next_write(recording, after), FROM_THE_TOP)),
    )


def _next_write(recording: Recording, after: int) -> Iterator[str]:
    if following := recording.next_write(after):
        yield f"The next recorded write is {shortened(following.text)}:"


def _otherwise(question: Question, there: list[Event]) -> NotRecordedError:
    """Say that it was asked of another instant, or with other settings."""
    if all(one.settings != question.settings for one in there):
        was, now = "; ".join(there[0].settings) or "none", "; ".join(question.settings) or "none"
        return NotRecordedError(
            f"It was recorded with other settings of the session: {shortened(question.text)}\n"
            f"- {shortened(was)}\n+ {shortened(now)}",
            hint=AGAIN,
        )
    was = "at an instant" if question.as_of is None else "of the present"
    if question.as_of is not None and any(one.as_of is not None for one in there):
        was = "at another instant"
    return NotRecordedError(f"It was recorded {was}: {shortened(question.text)}", hint=FROM_THE_TOP)


def _unlike(recording: Recording, question: Question, after: int) -> NotRecordedError:
    writes = some(may_write, question.text.encode(), unreadable=True)
    what = "This write" if writes else "This query"
    events = [one for one in recording.statements if one.connection == question.connection]
    lines = [f"{what} is not in the recording: {shortened(question.text)}", *_difference(events, question.text)]
    following = (f"{one.rstrip(':')};" for one in _next_write(recording, after)) if writes else ()
    return NotRecordedError("\n".join(lines), hint=" ".join((*following, AGAIN)))


def _difference(events: Iterable[Event], text: str) -> Iterator[str]:
    """Show what is most like a text: which values are others, or which lines."""
    with_values = {one.text: other for one in events if (other := _other_values(one, text))}
    texts = list(dict.fromkeys(one.text for one in events))
    if with_values:
        yield "There it has other values:"
        yield from _changes(with_values[_most_like(text, with_values) or next(iter(with_values))])
    elif best := _most_like(text, texts):
        yield "The most similar one:"
        yield from _changed_lines(best, text)


def _most_like(text: str, texts: Iterable[str]) -> str | None:
    by_beginning = {one[:_COMPARED].lower(): one for one in texts}
    found = difflib.get_close_matches(text[:_COMPARED].lower(), by_beginning, n=1, cutoff=_ALIKE)
    return by_beginning[found[0]] if found else None


def _changes(values: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for name, (recorded, asked) in list(values.items())[:_LINES]:
        was, now = _windows(recorded, asked)
        yield f"- {name} = {was}"
        yield f"+ {name} = {now}"


def _changed_lines(recorded: str, asked: str) -> Iterator[str]:
    before, behind = recorded.splitlines(), asked.splitlines()
    shown = 0
    for change, start, end, first, last in difflib.SequenceMatcher(None, before, behind).get_opcodes():
        if change == "equal" or shown >= _LINES:
            continue
        was, now = _windows("\n".join(before[start:end]), "\n".join(behind[first:last]))
        lines = [*(f"- {line}" for line in was.splitlines()), *(f"+ {line}" for line in now.splitlines())]
        yield from lines[: _LINES - shown]
        shown += len(lines)


def _windows(recorded: str, asked: str) -> tuple[str, str]:
    """Cut two texts that begin alike so that the place is seen at which they differ."""
    pairs = enumerate(zip(recorded, asked, strict=False))
    alike = next((place for place, (one, other) in pairs if one != other), min(len(recorded), len(asked)))
    start = recorded.rfind("\n", 0, alike) + 1
    if alike - start > _SHOWN - _BEFORE:
        start = alike - _BEFORE
    return _window(recorded, start), _window(asked, start)


def _window(text: str, start: int) -> str:
    lines = (f"{'…' if start and text[start - 1] != chr(10) else ''}{text[start:]}").splitlines()
    return "\n".join(line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…" for line in lines)


def _other_values(event: Event, text: str) -> dict[str, tuple[str, str]]:
    """Read the values that would make an event's SQL this text, beside those that it had; none if it is another SQL."""
    if not 0 < len(event.values) <= _LINES:
        return {}
    names, pattern, end = list[str](), "", 0
    for found in _PLACEHOLDER.finditer(event.sql):
        names.append(found["given"] or found["named"] or str(len(names) + 1))
        pattern += re.escape(event.sql[end : found.start()]) + "(.+?)"
        end = found.end()
    matched = re.fullmatch(pattern + re.escape(event.sql[end:].rstrip("; \n")), text, re.DOTALL)
    if not matched:
        return {}
    pairs = {name: (event.values.get(name, ""), asked) for name, asked in zip(names, matched.groups(), strict=True)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
