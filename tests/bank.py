"""A bank whose clients move money while the network and the server fail, and what must be true of it afterwards.

Each transfer changes two balances and writes its own id, made by the client, into a ledger, in one transaction. The
ledger's index on the id is not unique: a transfer that was made twice stands there twice. What a client was told about
each transfer (:class:`Verdict`) is then held against what the database holds (:class:`Contents`).

The bank's tables are in a schema that its clients name by SET search_path alone. Tables of the same names stand in
public: what a connection writes that has forgotten the setting is found there. Threads share a client's session.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count, takewhile
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from peewee import PeeweeException
from proxy import Proxy
from storm import Outages, storm

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import Outcome, StatementError
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

# What is done, by which door of ours.


Door = Callable[["Client", "Transfer"], None]


class Transfer(NamedTuple):
    """What a client asks for, under an id of its own making."""

    id: str
    source: int
    target: int
    amount: int


LIMIT = 97  # an amount of 1 to 100 above it is refused, by those doors that are callbacks


class RefusedError(Exception):
    """The bank's own: raised after the transfer was written."""


@dataclass(frozen=True)
class Bank:
    """The tables, and what they held at first."""

    name: str
    accounts: int = 20
    balance: int = 1000
    doors: Sequence[Door] = ()

    def sql(self, text: str) -> str:
        return text.format(name=self.name, accounts=f"{self.name}_accounts", ledger=f"{self.name}_ledger")

    def open(self, session: Session) -> Bank:
        """Make its tables, and those beside; give the bank with the doors that the server has."""
        session.ask(self.sql("CREATE SCHEMA {name}"))
        for schema in ("public", self.name):
            session.ask(f"SET search_path = {schema}")
            for text in _TABLES:
                session.ask(self.sql(text))
            for account in range(self.accounts):
                session.ask(self.sql("INSERT INTO {accounts} VALUES (%s, %s)"), (account, self.balance))
        try:
            session.ask(self.sql(_PROCEDURE))
        except StatementError:  # CockroachDB has them from v23.2 on
            return replace(self, doors=tuple(door for door in DOORS if door is not _call))
        return self

    def close(self, session: Session) -> None:
        session.ask(self.sql("DROP SCHEMA {name} CASCADE"))
        session.ask(self.sql("DROP TABLE public.{accounts}"))
        session.ask(self.sql("DROP TABLE public.{ledger}"))

    def draw(self, random: Random) -> Transfer:
        source, target = random.sample(range(self.accounts), 2)
        return Transfer(str(UUID(int=random.getrandbits(128), version=4)), source, target, random.randint(1, 100))

    def look(self, session: Session) -> Contents:
        """Read the tables at one instant."""
        balances, ledger, astray, moved = session.run([one.bind({}) for one in split(self.sql(_LOOK))]).results
        return Contents(
            {int(account or ""): int(balance or "") for account, balance in balances.rows},
            [Transfer(str(id_), *map(int, rest)) for id_, *rest in ledger.rows],  # type: ignore[arg-type]
            int(astray.rows[0][0] or "") + int(moved.rows[0][0] or ""),
        )


_TABLES = (
    "CREATE TABLE {accounts} (id INT PRIMARY KEY, balance INT NOT NULL)",
    "CREATE TABLE {ledger} (id UUID NOT NULL, source INT NOT NULL, target INT NOT NULL, amount INT NOT NULL)",
    "CREATE INDEX ON {ledger} (id)",
)
_PROCEDURE = """
CREATE PROCEDURE {name}_move(_id UUID, _source INT, _target INT, _amount INT) LANGUAGE plpgsql AS $$ BEGIN
    UPDATE {accounts} SET balance = balance - _amount WHERE id = _source;
    UPDATE {accounts} SET balance = balance + _amount WHERE id = _target;
    INSERT INTO {ledger} VALUES (_id, _source, _target, _amount);
END $$
"""
_LOOK = """
SELECT id, balance FROM {name}.{accounts}; SELECT id, source, target, amount FROM {name}.{ledger};
SELECT count(*) FROM public.{ledger}; SELECT count(*) FROM public.{accounts} WHERE balance <> 1000
"""
_SCRIPT = """
UPDATE {accounts} SET balance = balance - :amount WHERE id = :source;
UPDATE {accounts} SET balance = balance + :amount WHERE id = :target;
INSERT INTO {ledger} VALUES (:id, :source, :target, :amount)
"""
_ONE_STATEMENT = """
WITH moved AS (
    UPDATE {accounts} SET balance = balance + CASE id WHEN :source THEN -(:amount) ELSE :amount END
    WHERE id IN (:source, :target) RETURNING id
)
INSERT INTO {ledger} SELECT CAST(:id AS UUID), :source, :target, :amount WHERE (SELECT count(*) FROM moved) = 2
"""


class Client:
    """The connections of some threads to the bank: a session that they share, and a database of models."""

    def __init__(self, bank: Bank, target: Target) -> None:
        self.bank = bank
        self.session = Session(target)
        parameters = dict(target)
        self.database = CockroachDatabase(parameters.pop("dbname"), **parameters)
        self.retries = 0
        self.session.ask(f"SET search_path = {bank.name}")

    def come(self) -> None:
        """Begin in a thread: its database has a connection of its own there, which may be lost before it is told."""
        while True:
            with suppress(PeeweeException):
                self.database.execute_sql(f"SET search_path = {self.bank.name}")
                return

    def leave(self) -> None:
        self.database.close()

    def close(self) -> None:
        self.session.close()

    def hear(self, _: object) -> None:
        self.retries += 1

    def send(self, text: str, transfer: Transfer) -> None:
        statements = [one.bind(transfer._asdict()) for one in split(self.bank.sql(text))]
        self.session.run(statements, _options(transfer), self.hear)

    def move(self, execute: Callable[[str, Sequence[object]], Any], transfer: Transfer) -> None:
        """Read, reckon here, write: what loses updates where transactions are not isolated."""
        held = {}
        for account in (transfer.source, transfer.target):
            held[account] = execute("SELECT balance FROM {accounts} WHERE id = %s", [account]).fetchone()[0]
        for account, change in ((transfer.source, -transfer.amount), (transfer.target, transfer.amount)):
            execute("UPDATE {accounts} SET balance = %s WHERE id = %s", [held[account] + change, account])
        execute("INSERT INTO {ledger} VALUES (%s, %s, %s, %s)", transfer)
        if transfer.amount > LIMIT:
            raise RefusedError


_ATTEMPTS = 6  # few enough to be used up now and then


def _timeout(transfer: Transfer) -> float | None:
    """Give a quarter of the transfers a time limit, which is met now and then."""
    return 0.1 if transfer.amount % 4 == 0 else None


def _options(transfer: Transfer, *, idempotent: bool = False) -> TransactionOptions:
    retry = RetryPolicy(max_attempts=_ATTEMPTS, timeout=_timeout(transfer))
    return TransactionOptions(retry=retry, idempotent=idempotent)


def _script(client: Client, transfer: Transfer) -> None:
    client.send(_SCRIPT, transfer)


def _one_statement(client: Client, transfer: Transfer) -> None:
    client.send(_ONE_STATEMENT, transfer)


def _callback(client: Client, transfer: Transfer, *, idempotent: bool = False) -> None:
    def work(connection: Any) -> None:
        with connection.cursor() as cursor:

            def execute(text: str, values: Sequence[object]) -> Any:
                cursor.execute(client.bank.sql(text), values)
                return cursor

            done = idempotent and execute("SELECT 1 FROM {ledger} WHERE id = %s", [transfer.id]).fetchone()
            if not done:
                client.move(execute, transfer)

    client.session.transact(work, _options(transfer, idempotent=idempotent), client.hear)


def _idempotent_callback(client: Client, transfer: Transfer) -> None:
    _callback(client, transfer, idempotent=True)


def _peewee(client: Client, transfer: Transfer) -> None:
    def work(database: CockroachDatabase) -> None:
        client.move(lambda text, values: database.execute_sql(client.bank.sql(text), values), transfer)

    client.database.run_transaction(work, max_attempts=_ATTEMPTS, timeout=_timeout(transfer), on_retry=client.hear)


def _call(client: Client, transfer: Transfer) -> None:
    client.send("CALL {name}_move(:id, :source, :target, :amount)", transfer)


DOORS = (_script, _one_statement, _callback, _idempotent_callback, _peewee, _call)


# What was said, and what is true.


class Verdict(NamedTuple):
    """What a client was told about a transfer: its outcome (None: no word about it), and by which error if any."""

    transfer: Transfer
    outcome: Outcome | None
    error: str = ""


class Contents(NamedTuple):
    """What the database holds: each account's balance, and the ledger; how many rows of public were changed."""

    balances: Mapping[int, int]
    ledger: Sequence[Transfer]
    astray: int = 0


_ALLOWED: Mapping[Outcome | None, tuple[int, ...]] = {
    Outcome.COMMITTED: (1,),
    Outcome.UNKNOWN: (0, 1),
    Outcome.NOT_COMMITTED: (0,),
}


def last_word(error: BaseException) -> Outcome | None:
    """Give what the last line of an error, or of its notes, says of the transaction."""
    words = [*str(error).splitlines(), *getattr(error, "__notes__", ())]
    return next((outcome for outcome in Outcome if words[-1:] == [outcome.value]), None)


def broken(told: Iterable[Verdict], held: Contents, balance: int = Bank.balance) -> list[str]:
    """Name each thing that must not be."""
    told = list(told)
    times = Counter(row.id for row in held.ledger)
    asked = {one.transfer for one in told}
    expected = Counter(dict.fromkeys(held.balances, balance))
    for row in held.ledger:
        expected.update({row.source: -row.amount, row.target: row.amount})
    return [
        *(
            f"{one.transfer.id} is there {times[one.transfer.id]} times; told: {one.outcome} {one.error}"
            for one in told
            if times[one.transfer.id] not in _ALLOWED.get(one.outcome, ())
        ),
        *(f"{row} is there, and nobody asked for it" for row in held.ledger if row not in asked),
        *(
            f"account {account} holds {held.balances[account]}, and the ledger says {expected[account]}"
            for account in held.balances
            if held.balances[account] != expected[account]
        ),
        *([f"{held.astray} rows went into tables of the same names"] if held.astray else []),
        *([] if sum(held.balances.values()) == balance * len(held.balances) else ["the sum is not kept"]),
    ]


# The run.


@dataclass(frozen=True)
class History:
    """What happened in a run, and what the database holds at its end."""

    told: Sequence[Verdict]
    held: Contents
    faults: Mapping[str, int]
    retries: int
    connections: int
    round_trips: int
    seconds: float

    @property
    def broken(self) -> list[str]:
        return broken(self.told, self.held)

    @property
    def figures(self) -> dict[str, object]:
        outcomes = Counter(one.outcome for one in self.told)
        unknown = {one.transfer.id for one in self.told if one.outcome is Outcome.UNKNOWN}
        return {
            "transfers tried": len(self.told),
            "acknowledged": outcomes[Outcome.COMMITTED],
            "said that nothing was committed": outcomes[Outcome.NOT_COMMITTED],
            "ambiguous": outcomes[Outcome.UNKNOWN],
            "of which applied": len(unknown & {row.id for row in self.held.ledger}),
            "retries": self.retries,
            "faults": sum(self.faults.values()),
            "connections": self.connections,
            "round trips": self.round_trips,
            "seconds": round(self.seconds, 1),
            "acknowledged transfers/s": round(outcomes[Outcome.COMMITTED] / self.seconds, 1),
        }

    def __str__(self) -> str:
        errors = Counter(f"{one.error}: {one.outcome and one.outcome.name}" for one in self.told if one.error)
        parts = {"": self.figures, "Faults": self.faults, "Errors": dict(errors.most_common())}
        lines = [f"{name}\n{_table(figures)}" for name, figures in parts.items()]
        return "\n\n".join([*lines, "\n".join(self.broken[:20])]).strip()


def _table(figures: Mapping[str, object]) -> str:
    return "\n".join(f"{name:>42} {value}" for name, value in figures.items())


def for_seconds(seconds: float) -> Callable[[], Iterable[int]]:
    """Let each worker go on for so long."""
    ends = time.monotonic() + seconds
    return lambda: takewhile(lambda _: time.monotonic() < ends, count())


def _tell(client: Client, transfer: Transfer, door: Door) -> Verdict:
    try:
        door(client, transfer)
    except Exception as error:  # whatever it is, it has to say what became of the transfer
        return Verdict(transfer, last_word(error), type(error).__name__)
    return Verdict(transfer, Outcome.COMMITTED)


def _work(client: Client, random: Random, turns: Iterable[int]) -> list[Verdict]:
    client.come()
    try:
        return [_tell(client, client.bank.draw(random), random.choice(client.bank.doors or DOORS)) for _ in turns]
    finally:
        client.leave()


def run(
    target: Target, bank: Bank, turns: Callable[[], Iterable[int]], *, workers: int, seed: int, outage_every: float
) -> History:
    """Let the workers, two a client, move money through a failing proxy; ``turns`` gives each its transfers."""
    with Proxy(target) as proxy, ThreadPoolExecutor(workers + 1) as pool:
        faults = storm(Random(seed))
        clients = [Client(bank, proxy.target) for _ in range((workers + 1) // 2)]
        proxy.rules.extend(faults.values())
        outages = Outages(proxy, outage_every)
        started = time.monotonic()
        ending = pool.submit(outages.run)
        work = [
            pool.submit(_work, clients[number // 2], Random(f"{seed} {number}"), turns()) for number in range(workers)
        ]
        try:
            told = [one for worker in work for one in worker.result()]
        finally:
            outages.end()
        seconds = time.monotonic() - started
        ending.result()
        for client in clients:
            client.close()
        trips, connections = outages.round_trips + len(proxy.sent), proxy.connections
    session = Session(target)
    held = bank.look(session)
    session.close()
    counted = {**{name: fault.seen for name, fault in faults.items()}, "all cut at once": outages.number}
    return History(told, held, counted, sum(one.retries for one in clients), connections, trips, seconds)
