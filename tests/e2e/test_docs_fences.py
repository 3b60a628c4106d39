"""Every fence of README and docs runs: bash and python must succeed, console must print what it shows.

Each page is one session: a HOME of its own, and whatever `$ assetlog up` and `$ assetlog work` the page starts keeps
running to its end. In what a console fence shows, times, ages, positions, ids and versions stand for any of their kind,
`…` for any text, and a line of `…` for any lines. A command that reads is asked again for a while until it shows what
the page shows: what workers do is seen a moment later. `needs=tool` after a fence's language skips it where the tool is
not installed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
PAGES += [ROOT / "docs" / "reference" / name for name in ("api.md", "conditions.md")]
RUN = {"bash", "python", "console"}
SHOWN_ONLY = {"text", "json", "mermaid", "sql", "yaml"}
START_SECONDS = 30.0
COMMAND_SECONDS = 60.0

SEEN_WITHIN = 20.0
RUNS_ON = ("assetlog up", "assetlog work")
READS = re.compile(
    r"assetlog (assets?|triggers( show)?|lineage|consumers( (list|show|explain|queue))?)\b(?!.*--delete)"
)

_MARK = "### the command ended with"
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_KINDS = (
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"\d{13}-\d+",
    r"(?:\d+[smhdwy] ago|just now)",
    r"\d\d:\d\d:\d\d",
    r"\d+(?:\.\d+)? (?:µs|ms|s)\b",
    r"assetlog \d+\.\d+\.\d+\S*",
)
_KIND = re.compile("|".join(f"(?P<k{number}>{kind})" for number, kind in enumerate(_KINDS)))


class Fence(NamedTuple):
    """A fenced block of a page."""

    line: int
    language: str
    needs: str | None
    body: str


class Step(NamedTuple):
    """A command of a console fence, and what it shows."""

    command: str
    shown: list[str]


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, _, rest = match["info"].partition(" ")
        needs = rest.removeprefix("needs=") if rest.startswith("needs=") else None
        found.append(Fence(text.count("\n", 0, match.start()) + 1, language, needs, match["body"]))
    return found


def steps(body: str) -> list[Step]:
    """The commands of a console fence; a line that ends in a backslash goes on in the next."""
    found: list[Step] = []
    going_on = False
    for line in body.splitlines():
        if going_on:
            found[-1] = Step(found[-1].command + "\n" + line, [])
        elif line.startswith("$ "):
            found.append(Step(line[2:], []))
        else:
            found[-1].shown.append(line)
        going_on = line.endswith("\\") and not (found and found[-1].shown)
    return found


def pattern(shown: list[str]) -> re.Pattern[str]:
    """What an output has to look like."""
    while shown and not shown[-1].strip():
        shown = shown[:-1]
    lines = ["(?:.*\n)*?" if line.strip() == "…" else _line_pattern(line) + "\n" for line in shown]
    return re.compile("".join(lines))


def _line_pattern(line: str) -> str:
    written, at = "", 0
    for match in _KIND.finditer(line):
        number = int(str(match.lastgroup)[1:])
        written += _text_pattern(line[at : match.start()]) + f"(?:{_KINDS[number]})"
        at = match.end()
    return written + _text_pattern(line[at:]) + r"\s*"


def _text_pattern(text: str) -> str:
    parts = (".*?".join(re.escape(part) for part in word.split("…")) for word in re.split(r"\s+", text))
    return r"\s+".join(parts)


class Session:
    """A shell with a HOME of its own, and the nodes and workers it started."""

    def __init__(self, home: Path) -> None:
        self.port = _free_port()
        self.home = home
        self.nodes: list[subprocess.Popen[str]] = []
        self.bash: subprocess.Popen[str] | None = None
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSETLOG_")}
        self.environment = kept | {
            "HOME": str(home),
            "PATH": binaries,
            "ASSETLOG_PORT": str(self.port),
            # a terminal of a fixed width, without colours
            "TTY_COMPATIBLE": "1",
            "TERM": "dumb",
            "COLUMNS": "100",
            "LINES": "40",
            "TZ": "UTC",
        }

    def run(self, fence: Fence) -> None:
        """Run a fence as its language says."""
        if fence.language == "bash":
            self.shell(f"( set -euo pipefail\n{fence.body}\n)")
        elif fence.language == "python":
            self.wait(self._process([sys.executable, "-"]), self.here(fence.body))
        else:
            for step in steps(fence.body):
                self.step(step)

    def step(self, step: Step) -> None:
        """Run a command and compare what it prints."""
        expected = self.here("\n".join(step.shown)).splitlines()
        end = time.monotonic() + SEEN_WITHIN
        if step.command.startswith(RUNS_ON):
            printed = self.start(step.command, expected)
        else:
            printed = self.shell(step.command)
            while READS.match(step.command) and not pattern(expected).fullmatch(printed) and time.monotonic() < end:
                printed = self.shell(step.command)
        assert pattern(expected).fullmatch(printed), f"$ {step.command}\nprinted\n{printed}\nand the page shows\n" + (
            "\n".join(expected)
        )

    def shell(self, script: str) -> str:
        """Run a script in the page's shell, which keeps variables; standard error counts as output, as on a screen."""
        if self.bash is None:
            self.bash = self._process(["bash", "--norc"])
        assert self.bash.stdin is not None
        assert self.bash.stdout is not None
        self.bash.stdin.write(f"{{ {self.here(script)}\n}} </dev/null\nprintf '{_MARK} %s\\n' $?\n")
        self.bash.stdin.flush()
        timer = threading.Timer(COMMAND_SECONDS, self.bash.kill)
        timer.start()
        printed = ""
        while (line := self.bash.stdout.readline()) and _MARK not in line:
            printed += line
        timer.cancel()
        last, _, code = line.partition(_MARK)
        assert code.strip() == "0", f"{script}\nended with {code.strip() or 'nothing'}:\n{printed}{last}"
        return printed + (f"{last}\n" if last else "")

    def start(self, command: str, shown: list[str]) -> str:
        """Start a node or a worker that keeps running; what it prints until then is on the page, without logs."""
        log = (self.home / "node.log").open("a")
        process = self._process(shlex.split(self.here(command)), log.fileno())
        log.close()
        self.nodes.append(process)
        assert process.stdout is not None
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        printed = ""
        while not pattern(shown).fullmatch(printed) and (line := process.stdout.readline()):
            printed += line
        timer.cancel()
        return printed

    def wait(self, process: subprocess.Popen[str], given: str | None) -> str:
        printed, _ = process.communicate(given, timeout=COMMAND_SECONDS)
        assert process.returncode == 0, f"{process.args!r}\nended with {process.returncode}:\n{printed}"
        return printed

    def here(self, text: str) -> str:
        """A page's text on this machine: its port and home."""
        return text.replace("8470", str(self.port)).replace("/home/you", str(self.home))

    def close(self) -> None:
        """End the shell, the workers and the nodes."""
        if self.bash is not None:
            self.bash.communicate("exit\n", timeout=COMMAND_SECONDS)
        for node in reversed(self.nodes):
            node.send_signal(signal.SIGINT)
            node.communicate(timeout=START_SECONDS)

    def _process(self, args: list[str], errors: int = subprocess.STDOUT) -> subprocess.Popen[str]:
        return subprocess.Popen(
            args,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=self.environment,
            cwd=self.home,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_of_a_page_runs_and_prints_what_it_shows(page: Path, session: Session) -> None:
    for fence in fences(page):
        assert fence.language in RUN | SHOWN_ONLY, f"{page.name}:{fence.line}: name the fence's language"
        if fence.language in SHOWN_ONLY or (fence.needs and not shutil.which(fence.needs)):
            continue
        session.run(fence)


def test_a_page_that_shows_something_else_is_found_out() -> None:
    shown = ["POSITION         KEY", "1763747570910-0  s3://lake/a", "…", "12:00:01 · 3m ago  2026-11-21 rows=… done"]
    printed = "POSITION  KEY\n1800000000000-12  s3://lake/a\nx\ny\n23:59:59 · just now  2026-11-21 rows=7 done\n"
    assert pattern(shown).fullmatch(printed)
    assert not pattern(shown).fullmatch(printed.replace("2026-11-21", "2026-11-22"))
    assert not pattern(shown).fullmatch(printed.replace("lake/a", "lake/b"))
    assert not pattern(shown).fullmatch(printed + "more\n")


def test_a_command_may_go_on_over_lines() -> None:
    assert steps("$ curl a \\\n  -d b\nanswer\n$ ls\n") == [Step("curl a \\\n  -d b", ["answer"]), Step("ls", [])]
