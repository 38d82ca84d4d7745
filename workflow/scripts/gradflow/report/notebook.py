"""The report notebook: executed by papermill, then turned into a page that opens offline."""

import os
import tempfile
from pathlib import Path

import nbformat
import papermill
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from gradflow.errors import GradflowError
from gradflow.files import atomic_write
from gradflow.report.pages import write_page


def execute(template: Path, output: Path, parameters: dict) -> None:
    """Run a notebook with parameters and put the executed copy at `output` once every cell has passed.

    Raises GradflowError with the failing cell's error; the notebook as far as it came is then beside `output`, with
    the suffix .failed.ipynb.
    """
    output = Path(output)
    library = str(Path(__file__).parents[2])  # the notebook's kernel finds gradflow where this process did
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    failed = output.with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        running = Path(folder) / output.name
        try:
            papermill.execute_notebook(
                str(template), str(running), parameters, kernel_name="python3", progress_bar=False, cwd=folder
            )
        except papermill.PapermillExecutionError as error:
            output.parent.mkdir(parents=True, exist_ok=True)
            failed.write_bytes(running.read_bytes())
            raise GradflowError(
                f"the report notebook stopped at cell {error.exec_count} with {error.ename}: {error.evalue}; "
                f"it lies at {failed} as far as it came."
            ) from error
        content = running.read_bytes()
    atomic_write(output, lambda stream: stream.write(content))


def to_page(notebook: Path, path: Path) -> None:
    """Write an executed notebook as one HTML page: prose, tables and pictures, no code, no script, nothing fetched."""
    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    content = nbformat.read(notebook, as_version=4)
    for number, cell in enumerate(content.cells):  # papermill gives its own a random id, which the page would show
        cell["id"] = f"cell-{number}"
    body, _ = exporter.from_notebook_node(content)
    title = content.metadata.get("title", "gradflow")
    write_page(path, title, body)


def markdown_page(path: Path, title: str, text: str) -> None:
    """Write Markdown as one HTML page in the house style."""
    write_page(path, title, markdown2html(text))
