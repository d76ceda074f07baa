"""The order in a record that Moodle needs: leaves with a value first, then nested elements.

Moodle's writer never writes another one (`backup_nested_element`); its reader takes a leaf behind a nested element for a second
record that has nothing else (`progressive_parser::end_tag`).
"""

from __future__ import annotations

from lxml import etree

from archive.xml import NULL


def put_leaves_first(root: etree._Element) -> None:
    """Move the leaves of each element in a tree before its first nested element; the order is the same otherwise.

    An element with text between its elements is no record, and stays.
    """
    for element in list(root.iter(etree.Element)):
        first = next((index for index, child in enumerate(element) if len(child)), None)
        if first is None or _is_mixed(element):
            continue
        behind = [child for child in list(element)[first:] if not len(child) and _has_value(child)]
        for offset, child in enumerate(behind):
            element.insert(first + offset, child)


def _is_mixed(element: etree._Element) -> bool:
    texts = (element.text, *(child.tail for child in element))
    return any(text and text.strip() for text in texts)


def _has_value(leaf: etree._Element) -> bool:
    return (leaf.text or "").strip() not in ("", NULL)
