"""manage.py describe: the format, the references, the schema, the options and the settings, as generated from the code."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from archive.container import open_archive
from archive.errors import NotFound
from config import settings_page
from courses import reference_table, schema
from courses.format_page import document
from courses.members import described, description_of
from jobs.commands import Answer, JsonCommand
from selection.options_page import documentation


class Command(JsonCommand):
    """Print a generated document, for pages in docs/ and for validators; or validate an archive."""

    help = "Print a document of the format, the options or the settings, or the schema of a member; or validate an archive."

    def declare(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--format", action="store_true", help="the documentation of the format (docs/format.md)"
        )
        what.add_argument("--options", action="store_true", help="the table of options (docs/options.md)")
        what.add_argument(
            "--variables", action="store_true", help="the environment variables (docs/settings.md)"
        )
        what.add_argument("--members", action="store_true", help="the members of an archive, a line each")
        what.add_argument(
            "--references", action="store_true", help="references and links, for archive/references.json"
        )
        what.add_argument("--schema", metavar="PATH", help="the RELAX NG schema of a member")
        what.add_argument("--validate", metavar="FILE", help="check an archive against the schema")
        said = "with --schema and --validate: elements may be missing, as older versions did not know them"
        parser.add_argument("--older", action="store_true", help=said)

    def answer(self, options: dict[str, Any]) -> Answer:
        if options["validate"]:
            return _validate(options["validate"], older=options["older"])
        text = self._text(options)
        return Answer({"text": text}, [text.rstrip("\n")])

    def _text(self, options: dict[str, Any]) -> str:
        if options["format"]:
            return document()
        if options["options"]:
            return documentation()
        if options["variables"]:
            return settings_page.documentation()
        if options["references"]:
            return reference_table.document()
        if options["members"]:
            return "".join(f"{one.path}\n" for one in described())
        one = description_of(options["schema"])
        if one is None:
            raise NotFound(
                f"No member {options['schema']} is described.",
                hint="manage.py describe --members lists them.",
            )
        return schema.document(one, older=options["older"]).decode()


def _validate(path: str, *, older: bool) -> Answer:
    with open_archive(path) as archive:
        found = list(schema.violations(archive, older=older))
    lines = [finding.sentence() for finding in found] or ["Valid."]
    return Answer(
        {"valid": not found, "findings": [finding.as_dict() for finding in found]},
        lines,
        exit_code=int(bool(found)),
    )
