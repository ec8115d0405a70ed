"""What is said of a question that a recording does not answer: what is different, in a few short lines."""

from __future__ import annotations

from decimal import Decimal

import pytest
from recordings import AT, INT, Tape

from crdb_magic.errors import NotRecordedError
from crdb_magic.frozen.events import EventKind
from crdb_magic.frozen.recording import Question
from crdb_magic.frozen.served import Served

LONG = "SELECT " + ", ".join(f"column_{number}" for number in range(100))


def refused(tape: Tape, text: str, connection: int = 1, as_of: Decimal | None = None, settings=()) -> str:
    with pytest.raises(NotRecordedError) as caught:
        Served(tape.recording).look(Question(connection, text, as_of, settings), "somebody")
    return caught.value.message


def reading(*texts: str, **told) -> Tape:
    tape = Tape()
    for text in texts:
        tape.read(text, {"id": INT}, [("1",)], **told)
    return tape


def test_the_most_similar_query_is_shown_line_by_line():
    tape = reading("SELECT id\nFROM orders\nWHERE id = 1", "SELECT now()")

    assert refused(tape, "SELECT id\nFROM order\nWHERE id = 1") == (
        "This query is not in the recording: SELECT id FROM order WHERE id = 1\n"
        "The most similar one:\n- FROM orders\n+ FROM order"
    )


def test_so_is_one_that_differs_in_its_capitals_alone():
    assert refused(reading("SELECT * FROM orders LIMIT 3"), "select * from ORDERS limit 3").splitlines()[1:] == [
        "The most similar one:",
        "- SELECT * FROM orders LIMIT 3",
        "+ select * from ORDERS limit 3",
    ]


@pytest.mark.parametrize(
    ("text", "settings"), [("SELECT 2", ()), ("DELETE FROM orders", ()), ("SELECT 1", ("SET a = 1",))]
)
def test_how_to_record_again_is_said(text, settings):
    with pytest.raises(NotRecordedError) as caught:
        Served(reading("SELECT 1").recording).look(Question(1, text, None, settings), "somebody")

    assert caught.value.hint == (
        "to record again: %crdb_freeze off, %crdb_connect, %crdb_freeze DIR; "
        "or CRDB_MAGIC_FREEZE=DIR in the environment."
    )


def test_lines_that_were_added_or_left_out_are_shown():
    tape = reading("SELECT id\nFROM orders\nORDER BY id")

    assert refused(tape, "SELECT id\nFROM orders").splitlines()[2:] == ["- ORDER BY id"]
    assert refused(tape, "SELECT id\nFROM orders\nORDER BY id\nLIMIT 1").splitlines()[2:] == ["+ LIMIT 1"]


def test_of_a_long_line_the_place_is_shown_that_differs():
    was, now = refused(reading(LONG), LONG.replace("column_80", "column_8")).splitlines()[2:]

    assert "column_80, column_81" in was
    assert "column_8, column_81" in now
    assert max(len(was), len(now)) < 110


def test_no_line_is_long():
    lines = refused(reading("\n".join([LONG] * 50)), "\n".join([LONG.replace("column_0", "x")] * 50)).splitlines()

    assert (len(lines) < 20, max(map(len, lines)) < 150) == (True, True)


def test_what_is_like_nothing_is_shown_alone():
    assert refused(reading("SELECT 1"), "VALUES ('something else')") == (
        "This query is not in the recording: VALUES ('something else')"
    )


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT * FROM orders WHERE id = :id AND name = :name", {"id": "1", "name": "'tea'"}),
        ("SELECT * FROM orders WHERE id = %(id)s AND name = %(name)s", {"id": "1", "name": "'tea'"}),
    ],
)
def test_other_values_are_shown_by_their_names(sql, values):
    tape = reading("SELECT * FROM orders WHERE id = 1 AND name = 'tea'", sql=sql, values=values)

    assert refused(tape, "SELECT * FROM orders WHERE id = 2 AND name = 'tea'") == (
        "This query is not in the recording: SELECT * FROM orders WHERE id = 2 AND name = 'tea'\n"
        "There it has other values:\n- id = 1\n+ id = 2"
    )


def test_other_values_are_shown_by_their_places():
    tape = reading("SELECT * FROM orders WHERE id = 1", sql="SELECT * FROM orders WHERE id = %s", values={"1": "1"})

    assert refused(tape, "SELECT * FROM orders WHERE id = 7").splitlines()[2:] == ["- 1 = 1", "+ 1 = 7"]


def test_another_connection_is_named():
    tape = Tape(connections=2)
    tape.read("SELECT 1", {"id": INT}, [("1",)], connection=2)

    assert "recorded on another connection, number 2: SELECT 1" in refused(tape, "SELECT 1")


@pytest.mark.parametrize(
    ("recorded", "asked", "said"),
    [(None, AT, "of the present"), (AT, None, "at an instant"), (AT, AT + 1, "at another instant")],
)
def test_another_time_is_named(recorded, asked, said):
    assert refused(reading("SELECT 1", as_of=recorded), "SELECT 1", as_of=asked).startswith(f"It was recorded {said}:")


def test_a_read_that_came_before_a_write_says_so():
    tape = reading("SELECT 1")
    tape.write("DELETE FROM orders", "DELETE 1")
    served = Served(tape.recording)
    served.take(Question(1, "DELETE FROM orders"), "somebody")

    with pytest.raises(NotRecordedError, match=r"- before the first write\n\+ after DELETE FROM orders"):
        served.look(Question(1, "SELECT 1"), "somebody")


def test_a_question_too_many_is_refused_where_the_answers_differ():
    tape = Tape()
    for value in "12":
        tape.read("SELECT random()", {"id": INT}, [(value,)])
    served = Served(tape.recording)
    answers = [served.take(Question(1, "SELECT random()"), "somebody").hash for _ in range(2)]

    assert len(set(answers)) == 2
    with pytest.raises(NotRecordedError, match="more often than when it was recorded, with different results"):
        served.take(Question(1, "SELECT random()"), "somebody")


def test_an_error_that_was_answered_twice_is_answered_again():
    tape = Tape()
    for _ in range(2):
        tape.refuse("SELECT 1/0", C="22012", M="division by zero")
    served = Served(tape.recording)

    assert [served.take(Question(1, "SELECT 1/0"), "somebody").number for _ in range(3)] == [1, 2, 2]


def test_a_setting_is_no_write():
    tape = Tape()
    tape.sets("SET a = 1")
    tape.read("SELECT 1", {"id": INT}, [("1",)])

    assert Served(tape.recording).look(Question(1, "SELECT 1"), "somebody").kind is EventKind.READ
