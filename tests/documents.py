"""The documentation's blocks, what becomes of each in the tests, and the page that says so.

`python tests/documents.py` prints docs/tested.md.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "config" / "README.md",
    ROOT / "results" / "README.md",
    *sorted((ROOT / "exercises").glob("*/*.md")),
]
LANGUAGES = {
    "console": "commands",
    "python": "Python, executed",
    "yaml": "configurations and claims, read and checked",
    "snakemake": "workflows, planned",
    "text": "output and layouts, not run",
}
FENCED = re.compile(r"^(?P<indent> *)```(?P<language>.*)\n(?P<code>(?:.*\n)*?)(?P=indent)```$", re.MULTILINE)
NAMED = re.compile(r"# ([\w./]+\.(?:py|yaml))\n")  # a block's first line that is the name of its file
HEAD = """# What of these pages the tests run

README, `docs/`, `config/README.md`, `results/README.md` and the exercises have {blocks} blocks of code. Of each
`tests/workflow/test_documentation.py` does what is said here, in a copy in which the smoke configuration has run; a
block or a command of another kind fails it. What stands in running text as a command has its options read by the
program's own parser.

| blocks | of |
|---|---|
{languages}
"""
STANDS_FOR = {"0123…": "ab" * 32, "…": "s1234", "<address>": str(ROOT)}  # what a reader fills in


@dataclass(frozen=True)
class Block:
    """A block of code of a page: its place, language, code, and the file that it says it is."""

    page: str
    line: int
    language: str
    code: str

    @property
    def file(self) -> str | None:
        named = NAMED.match(self.code)
        return named and named[1]

    @property
    def commands(self) -> list[str]:
        """The commands of a console block, a line each, without their comments."""
        return [re.sub(r"\s+# .*", "", line) for line in self.code.splitlines() if line.strip()]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


class Treatment(NamedTuple):
    """What becomes of the commands that a pattern fits."""

    pattern: str
    how: str
    why: str = ""


# The first that fits; a command that none fits fails a test.
RUN, ELSEWHERE, PLANNED, CHECKED = "run", "run by another test", "planned, with `-n`", "checked, not run"
MINUTE = "takes more than a minute, or is a part of what does"
TREATMENTS = (
    Treatment(r"gradflow |git clone |cd |source |python |ls |tail |sha256sum |make (plan|student|help)\b", RUN),
    Treatment(r"snakemake (.* )?-n\b", RUN),
    Treatment(r"make run CONFIG=config/smoke.yaml", ELSEWHERE, "as the fixture `smoke`, which many tests share"),
    Treatment(r"snakemake runs --touch ", ELSEWHERE, "`tests/workflow/test_what_retrains.py`"),
    Treatment(r"squeue ", ELSEWHERE, "`tests/cluster/test_slurm.py`, on a Slurm of its own"),
    Treatment(r"snakemake .*--report", CHECKED, "of a finished run; the smoke fixture makes that of its own"),
    Treatment(r"snakemake |make (run|course|verify)\b", PLANNED, MINUTE),
    Treatment(r"make test$", CHECKED, "is what runs this"),
    Treatment(r"pip install ", CHECKED, "needs packages from a network; its words are those of the Makefile"),
)


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text, name = page.read_text(encoding="utf-8"), str(page.relative_to(ROOT))
    return [
        Block(name, text[: found.start()].count("\n") + 1, found["language"], _outdented(found))
        for found in FENCED.finditer(text)
    ]


def _outdented(found: re.Match) -> str:
    return re.sub(f"^{found['indent']}", "", found["code"], flags=re.MULTILINE)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
COMMANDS = [(block, command) for block in BLOCKS if block.language == "console" for command in block.commands]


def treatment(command: str) -> Treatment:
    """What becomes of a command. Raises StopIteration if nothing does."""
    return next(one for one in TREATMENTS if re.match(one.pattern, command))


def written_in_full(text: str) -> str:
    """A command or code with what a reader fills in."""
    for placeholder, value in STANDS_FOR.items():
        text = text.replace(placeholder, value)
    return text


def filled_in(claims: str) -> str:
    """A claim of an exercise with the region that it leaves to the student."""
    return re.sub(r"(above|below):(?= +#)", r"\1: 0.5", claims).replace("[ , ]", "[-1, 1]")


def spans() -> list[tuple[str, str]]:
    """What stands in running text between backticks, with its page."""
    texts = {page: FENCED.sub("", page.read_text(encoding="utf-8")) for page in PAGES}
    return [(page.name, span) for page, text in texts.items() for span in re.findall(r"`([^`\n]+)`", text)]


def page_of_the_tested() -> str:
    """The page that counts blocks and commands, and lists the commands that are not run as they stand."""
    blocks, done = Counter(block.language for block in BLOCKS), Counter(treatment(said).how for _, said in COMMANDS)
    languages = "\n".join(f"| {blocks[language]} | {said} |" for language, said in LANGUAGES.items())
    parts = [
        HEAD.format(blocks=len(BLOCKS), languages=languages),
        f"Of the {len(COMMANDS)} commands {done[RUN]} are run as they stand. The others:\n",
    ]
    for one in TREATMENTS:
        pages = {}
        for block, command in COMMANDS:
            if treatment(command) is one and one.how != RUN:
                pages.setdefault(command, {})[block.page] = None
        if pages:
            rows = "".join(f"| `{command}` | {', '.join(found)} |\n" for command, found in sorted(pages.items()))
            parts.append(f"| {one.how}: {one.why} | on |\n|---|---|\n{rows}")
    return "\n".join([*parts, "This page is written by `make reference` from `tests/documents.py`.\n"])


if __name__ == "__main__":
    print(page_of_the_tested(), end="")
