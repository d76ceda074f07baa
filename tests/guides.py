"""Take code out of the guides in `docs/`, and install it as a module of `courses` for the time of a test."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import apps
from django.db import connection

from courses import registry

DOCS = Path(__file__).parents[1] / "docs"


def code_after(page: str, words: str) -> str:
    """Return the first Python code in a page of `docs/` after `words`. Raises AssertionError if there is none."""
    found = re.compile(rf"{re.escape(words)}.*?```python\n(.*?)```", re.DOTALL).search(
        (DOCS / page).read_text()
    )
    assert found is not None, f"docs/{page} shows no code after {words!r} any more."
    return found[1]


@contextmanager
def installed(package: ModuleType, name: str, source: str, folder: Path) -> Iterator[ModuleType]:
    """Install a source as the module `name` of a package of `courses`, with the tables of its models; remove all at the end."""
    (folder / f"{name}.py").write_text(source)
    package.__path__.append(str(folder))
    before = list(apps.get_app_config("courses").get_models())
    module = importlib.import_module(f"{package.__name__}.{name}")
    new: list[Any] = [model for model in apps.get_app_config("courses").get_models() if model not in before]
    with connection.schema_editor() as editor:
        for model in new:
            editor.create_model(model)
    try:
        yield module
    finally:
        with connection.schema_editor() as editor:
            for model in reversed(new):
                editor.delete_model(model)
        registry.leave(*new)
        for model in new:
            del apps.all_models["courses"][model._meta.model_name]
            _forget_accessors(model)
        package.__path__.remove(str(folder))
        del sys.modules[module.__name__]
        delattr(package, name)
        apps.clear_cache()


def _forget_accessors(model: Any) -> None:
    """Remove the accessors that Django added to other models for the foreign keys of this one."""
    for field in model._meta.concrete_fields:
        accessor = field.remote_field.get_accessor_name() if field.remote_field is not None else None
        if accessor and accessor in vars(field.related_model):
            delattr(field.related_model, accessor)
