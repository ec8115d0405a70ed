"""Pieces of SQL in which semicolons, quotes and colons mean something else than they seem to."""

from __future__ import annotations

from hypothesis import strategies as st

from crdb_magic.sql.statements import Statement, split


def only(text: str) -> Statement:
    """Give the one statement of a text."""
    (statement,) = split(text)
    return statement


CLOSED = [
    ("plain", "'a;b'"),
    ("doubled quote", "'it''s; fine'"),
    ("backslash is ordinary", r"'a\'"),
    ("a percent sign and a colon", "'100% :x'"),
    ("over lines", "'a\n;b'"),
    ("E escapes", r"E'it\'s; \\'"),
    ("e escapes and doubled quote", r"e'\\''; x'"),
    ("E goes on behind a line break", "E'a' \n 'b\\';'"),
    ("E goes on behind a comment", "E'a' -- it's;\n'b\\';'"),
    ("bytes", r"b'\xff\';'"),
    ("hexadecimal", "x'ff'"),
    ("unicode", r"U&'\0041;'"),
    ("national", "N'a;'"),
    ("dollar quote", "$$a; 'b $x$ $1$$"),
    ("tagged dollar quote", "$tag$a; $$ $tag $other$ $tag$"),
    ("dollar quote with a tag of other letters", "$é1$;$é1$"),
]
QUOTED = ['"a;b"', '"a "";"" b"', '":x"', 'U&"\\0041;"', '"\n;"']
COMMENTS = ["-- a; 'b", "/* a; ' */", "/* a /* nested; */ -- b\n */", "/**/", "--", "/*/* */*/"]
_OPERATORS = ":= :: ::: : -> ->> #> @> ? ?| % * / - , . ( ) [ ] [lo:hi] [:hi] \\"
_OPENERS = "' \" /* */ $$ $t$ $ E' b' --"
FRAGMENTS = [
    *(text for _, text in CLOSED),
    *QUOTED,
    *(f"{text}\n" for text in COMMENTS),
    *f"SELECT a é a$b 1 1.5e3 $1 :x :x:y x::INT8 ; ;; {_OPERATORS} {_OPENERS}".split(),
    *[
        ':"x"',
        'x::"x"',
        '[1:"x"]',
        ':"x y"',
        " ",
        "\n",
        "\r",
        "\t",
        "\u3000",
        "𝔘",
        "CREATE ",
        "BEGIN ATOMIC ",
        "CASE ",
        "END",
        "-- ;\r",
        "\x00",
    ],
]
nasty_text = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join) | st.text()
