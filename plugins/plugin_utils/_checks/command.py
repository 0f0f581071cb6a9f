# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that goes with a finding: a template in which nothing can be inserted unquoted.

    uwsgitop {login}                            how the tool reaches this instance, as the words that it takes
    top -p {pid}                                one word, whatever is in it; numbers stay as they are
    psql {login} -c '\\d+ {schema:sql}.{table:sql}'   a name inside another language: {expression:sql | mysql | url | vcl | name}

A placeholder is JMESPath over the instance. Within a word that holds blanks, which is text of another language, a placeholder
must say which; the whole word is then quoted for the shell. A command whose names are not all known is not printed at all.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import typing as t

from .._reach.access import TOOLS, Access
from .._reach.asked import Ask, options_of
from .._reach.hosts import Reach
from .._reach.quoting import LANGUAGES, Line, Untypable, text, word
from .._reach.way import Way
from . import remedies, settings
from .phrase import closing_brace
from .query import Query, Unknowable, WrongQuery, compiled
from .services import COLUMNS, MODULES
from .stand_ins import stand_in

#: Words that make several commands of one line; they stand unquoted in a template.
_OPERATORS = re.compile(r"[|&;<>]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
#: `client_options` is its older name, in checks of users.
LOGIN = ("login", "client_options")
#: Programs that give their words to a shell once more, in which a name would not be quoted.
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "eval", "watch", "parallel"})


@dataclasses.dataclass(frozen=True)
class Insertion:
    query: Query
    language: t.Optional[str]


@dataclasses.dataclass(frozen=True)
class Word:
    """A word of the template: text as it was written (`raw`), or pieces of which some are filled in."""

    raw: str
    pieces: tuple[t.Union[str, Insertion], ...]

    @property
    def fixed(self) -> bool:
        return all(isinstance(piece, str) for piece in self.pieces)

    def filled(self, data: t.Mapping[str, t.Any]) -> str:
        """The word with its names, quoted for the shell as a whole. Raises Untypable when a name is not known."""
        if self.fixed:
            return self.raw
        return word("".join(piece if isinstance(piece, str) else _inserted(piece, data) for piece in self.pieces))


def _inserted(insertion: Insertion, data: t.Mapping[str, t.Any]) -> str:
    try:
        value = insertion.query(data)
    except Unknowable as reason:
        raise Untypable(str(reason)) from None
    return LANGUAGES[insertion.language](value) if insertion.language else text(value)


class Command:
    """One command, parsed once. Raises WrongQuery for a template that could insert something unquoted."""

    def __init__(self, template: str) -> None:
        self.text = template.strip()
        self.words = tuple(_words(self.text))
        self.login: t.Optional[str] = None
        for place, each in enumerate(self.words):
            if _is_login(each):
                self.login = _tool_before(self.words[:place], self.text)
            _must_be_safe(each, self.text)
            _must_reach_the_tool(self.words, place, self.text)
        self.plain = not any(_OPERATORS.search(_unquoted(each.raw)) or _ASSIGNMENT.match(each.raw) for each in self.words)

    def render(self, host: t.Optional[str], data: t.Mapping[str, t.Any], reach: Reach) -> Line:
        """The whole line, from a terminal of the control node. Raises Untypable when a name in it is not known or cannot be typed."""
        access = reach.access(host, self.login, data) if self.login else Access()
        absent = self.absent(reach.way(host), access)
        if absent is not None:
            raise Untypable(f"{absent} is not installed on {host}")
        line = []
        for each in self.words:
            if _is_login(each):
                line += [word(argument) for argument in (*access.arguments, *access.prompt)]
            elif access.program and each.raw == self.login:
                line.append(word(access.program))
            else:
                line.append(each.filled(data))
        script = " ".join(line)
        if access.folder:
            script = f"cd {word(access.folder)} && {script}"
        return Line(reach.way(host).command(script, access.user, simple=self.plain and not access.folder))

    def absent(self, way: Way, access: Access) -> t.Optional[str]:
        """The program that the host lacks; one that the instance's own virtualenv has, or that `||` does without, is not needed."""
        if not way.absent or "||" in self.text:
            return None
        return next((each.raw for each in self.words if each.raw in way.absent and not (access.program and each.raw == self.login)), None)


def _is_login(each: Word) -> bool:
    return len(each.pieces) == 1 and isinstance(each.pieces[0], Insertion) and each.pieces[0].query.text in LOGIN


def _tool_before(before: t.Sequence[Word], template: str) -> str:
    for each in reversed(before):
        if each.raw in TOOLS:
            return each.raw
    raise WrongQuery(f"{{login}} in {template!r} follows no tool whose login is known; known are {', '.join(TOOLS)}")


def _must_be_safe(each: Word, template: str) -> None:
    insertions = [piece for piece in each.pieces if isinstance(piece, Insertion)]
    literal = "".join(piece for piece in each.pieces if isinstance(piece, str))
    # a word with blanks, or a URL, is text of another language: a name in it needs that language's quoting, not only the shell's
    if insertions and (re.search(r"\s", literal) or "://" in literal) and any(insertion.language is None for insertion in insertions):
        raise WrongQuery(f"a name within {each.raw!r} must say its language, as in {{table:sql}}; known are {', '.join(LANGUAGES)}")
    if insertions and _OPERATORS.search(_unquoted(each.raw)):
        raise WrongQuery(f"{each.raw!r} in {template!r} holds a shell operator beside a name: separate them by a blank")


def _must_reach_the_tool(words: t.Sequence[Word], place: int, template: str) -> None:
    if words[place].fixed:
        return
    for at, before in enumerate(words[:place]):
        program = before.raw.rpartition("/")[2]
        # `watch -x` runs its words as they are
        if program in _SHELLS and not (program == "watch" and words[at + 1].raw == "-x"):
            raise WrongQuery(f"{program} in {template!r} gives a name to a shell once more{': use watch -x' if program == 'watch' else ''}")


def _unquoted(raw: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"|\{[^}]*\}", "", raw)


def _words(template: str) -> t.Iterator[Word]:
    """Words as the shell would split the template, placeholders kept whole."""
    at, start, quote = 0, 0, ""
    while at <= len(template):
        char = template[at] if at < len(template) else ""
        if template[at : at + 2] in ("{{", "}}"):
            at += 2
            continue
        if char == "{":
            at = closing_brace(template, at) + 1
            continue
        if quote:
            quote = "" if char == quote else quote
            if not char:
                raise WrongQuery(f"a quote is not closed in {template!r}")
        elif char in ("'", '"') and char:
            quote = char
        elif not char or char.isspace():
            if at > start:
                yield _word(template[start:at])
            start = at + 1
        at += 1


def _word(raw: str) -> Word:
    pieces: list[t.Union[str, Insertion]] = []
    at, literal = 0, ""
    while at < len(raw):
        if raw[at : at + 2] in ("{{", "}}"):
            literal, at = literal + raw[at], at + 2
        elif raw[at] == "{":
            end = closing_brace(raw, at)
            pieces += [literal] if literal else []
            pieces.append(_insertion(raw[at + 1 : end]))
            literal, at = "", end + 1
        else:
            literal, at = literal + raw[at], at + 1
    pieces += [literal] if literal else []
    if any(isinstance(piece, Insertion) for piece in pieces):
        return Word(raw, tuple(_bare(pieces, raw)))
    return Word(raw.replace("{{", "{").replace("}}", "}"), tuple(pieces))


def _bare(pieces: t.Sequence[t.Union[str, Insertion]], raw: str) -> t.Iterator[t.Union[str, Insertion]]:
    """The pieces without the shell's quotes: the whole word is quoted again once it is filled."""
    literals = [piece for piece in pieces if isinstance(piece, str)]
    if any(quote in "".join(literals) for quote in ("'", '"')):
        if raw[0] not in ("'", '"') or raw[-1] != raw[0] or any(raw[0] in piece.strip(raw[0]) for piece in literals):
            raise WrongQuery(f"{raw!r}: a word with a name in it is quoted as a whole or not at all")
        for place, piece in enumerate(pieces):
            if isinstance(piece, str):
                begin = 1 if place == 0 else 0
                piece = piece[begin:-1] if place == len(pieces) - 1 else piece[begin:]
            if piece:
                yield piece
    else:
        yield from pieces


def _insertion(inside: str) -> Insertion:
    expression, colon, language = inside.rpartition(":")
    if colon and language.strip() in LANGUAGES:
        return Insertion(compiled(expression.strip()), language.strip())
    return Insertion(compiled(inside.strip()), None)


@functools.lru_cache(maxsize=64)
def _parsed(template: str) -> Command:
    return Command(template)


@dataclasses.dataclass(frozen=True)
class Look:
    """The commands of a check, the best first: the first whose names are all known is printed."""

    commands: tuple[Command, ...]

    @classmethod
    def parse(cls, written: t.Any) -> Look:
        templates = [written] if isinstance(written, str) else written
        if not isinstance(templates, list) or not templates or not all(isinstance(each, str) and each.strip() for each in templates):
            raise WrongQuery("must be a command, or a list of commands of which the first that is complete is printed")
        return cls(tuple(Command(template) for template in templates))

    @property
    def queries(self) -> tuple[Query, ...]:
        """What they read of the instance, beside how it is reached."""
        words = [each for command in self.commands for each in command.words if not _is_login(each)]
        return tuple(piece.query for each in words for piece in each.pieces if isinstance(piece, Insertion))

    def render(self, host: t.Optional[str], data: t.Mapping[str, t.Any], reach: Reach) -> t.Optional[Line]:
        for command in self._with_stand_ins():
            try:
                return command.render(host, data, reach)
            except Untypable:
                continue
        return None

    def _with_stand_ins(self) -> t.Iterator[Command]:
        """Each command, and after it what takes its place where its program is not installed."""
        for command in self.commands:
            yield command
            instead = stand_in(command.text)
            while instead is not None:
                yield _parsed(instead)
                instead = stand_in(instead)


def ad_hoc(reach: Reach, host: t.Optional[str], module: str, *more: str) -> t.Optional[Line]:
    """The module, ad hoc from the control node: against the host, or against all."""
    try:
        return reach.ad_hoc(host or "all", module, *more)
    except Untypable:
        return None


def reading(reach: Reach, host: t.Optional[str], service: str, *more: str) -> t.Optional[Line]:
    """The module that reads the service, ad hoc; for what exists once for the fleet, the one whose facts it is made of."""
    module = MODULES.get(service) or MODULES.get(COLUMNS[service]) or "launch_facts"
    return ad_hoc(reach, host, f"warroom.launch.{module}", *more)


def installing(reach: Reach, hosts: str, packages: t.Sequence[str]) -> t.Optional[Line]:
    """The packages on the hosts (a pattern), ad hoc by whatever package manager they have."""
    return ad_hoc(reach, hosts, "ansible.builtin.package", "-a", f"name={','.join(packages)} update_cache=true", "--become")


def setting(reach: Reach, hosts: str, reasons: t.Iterable[str]) -> t.Optional[Line]:
    """The run of the role launch_monitoring that mends on the hosts (a pattern) what the reasons name; None where it does not."""
    run = settings.run(reasons)
    if run is None:
        return None
    tag, variables = run
    try:
        return reach.playbook("warroom.launch.launch_monitoring", hosts, f"--tags={tag}", "-e", json.dumps(variables))
    except Untypable:
        return None


def asking(reach: Reach, lacking: t.Iterable[tuple[str, str, str]]) -> t.Optional[Line]:
    """The run that asks for what the reasons name (host, service, reason); None where one of them names no option.

    Hosts with the same trouble share an answer; where that makes too long a line, those that lack the same.
    """
    rows = [(host, service, remedies.template(reason), options_of(service, reason)) for host, service, reason in lacking]
    if not all(options for _host, _service, _trouble, options in rows):
        return None
    return reach.asking(_asks(rows)) or reach.asking(_asks([(host, service, "", options) for host, service, _trouble, options in rows]))


def _asks(rows: t.Iterable[tuple[str, str, str, list[str]]]) -> list[Ask]:
    asks: dict[tuple[str, str, str], Ask] = {}
    for host, service, trouble, options in rows:
        ask = asks.setdefault((service, trouble, ",".join(options)), {"hosts": [], "service": service, "options": options})
        if host not in ask["hosts"]:
            ask["hosts"].append(host)
    return list(asks.values())


def remedy_line(reach: Reach, host: t.Optional[str], service: str, reason: str, for_this_only: bool = False) -> t.Optional[Line]:
    """The line that makes known what is unknown for this reason. `for_this_only`: None where it would only read again."""
    kind = remedies.kind_of(reason)
    if kind.command == remedies.INSTALL and host is not None and remedies.packages(reason):
        return installing(reach, host, remedies.packages(reason))
    if kind.command == remedies.BECOME:
        return reading(reach, host, service, "--become")
    if kind.command in (remedies.SET, remedies.ASK) and host is not None:
        line = setting(reach, host, [reason])
        if line is not None:
            return line
    if kind.command == remedies.ASK and host is not None:
        line = asking(reach, [(host, service, reason)])
        if line is not None:
            return line
    if kind.command == remedies.PING:
        return ad_hoc(reach, host, "ansible.builtin.ping")
    return None if for_this_only else reading(reach, host, service)
