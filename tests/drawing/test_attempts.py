"""How the attempts of a transaction are drawn."""

from __future__ import annotations

import re

from crdb_magic.core.options import DEFAULTS
from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing import attempts
from crdb_magic.errors import Attempt


def receipt(*retries: Attempt, elapsed: float = 0.1) -> Receipt:
    return Receipt(
        server="a server",
        options=DEFAULTS,
        retries=retries,
        as_of=None,
        elapsed=elapsed,
        statements=1,
        rows=1,
    )


def refusal(number: int, reason: str = "RETRY_WRITE_TOO_OLD") -> Attempt:
    return Attempt(number, "40001", reason, "restart transaction", wait=0.01, elapsed=0.02)


def test_attempts_and_waits_are_drawn_to_scale():
    drawn = attempts.as_text(receipt(refusal(1), refusal(2), elapsed=0.1)).splitlines()

    assert [line[6:30] for line in drawn[:3]] == [
        "█████░░                 ",
        "       █████░░          ",
        "              ██████████",
    ]


def test_each_reason_is_explained_once():
    text = attempts.as_text(receipt(refusal(1), refusal(2), refusal(3, "RETRY_SERIALIZABLE")))

    assert re.findall(r"^(RETRY_\w+): ", text, re.MULTILINE) == ["RETRY_WRITE_TOO_OLD", "RETRY_SERIALIZABLE"]


def test_of_many_attempts_the_middle_is_left_out():
    text = attempts.as_text(receipt(*map(refusal, range(1, 100)), elapsed=3))

    assert [line.split()[0] for line in text.splitlines()[:-1]] == ["1", "2", "3", "4", "…", "97", "98", "99", "100"]
    assert "92 more" in text


def test_an_attempt_of_which_no_time_is_known_is_drawn_too():
    assert "  0 s  " in attempts.as_text(receipt(Attempt(1, "40001", None, "…"), elapsed=0))


def test_a_reason_is_escaped():
    html = attempts.as_html(receipt(refusal(1, "<img src=x>")))

    assert "<img" not in html
