"""In each record of a tree, the leaves with a value come before the nested elements, and nothing else moves."""

from __future__ import annotations

import pytest
from lxml import etree

from archive.leaf_order import put_leaves_first


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("<a><b>1</b><c><d>2</d></c></a>", "<a><b>1</b><c><d>2</d></c></a>"),
        ("<a><c><d>2</d></c><b>1</b><e>3</e></a>", "<a><b>1</b><e>3</e><c><d>2</d></c></a>"),
        ("<x><a><c><d>2</d></c><f>0</f><c/></a></x>", "<x><a><f>0</f><c><d>2</d></c><c/></a></x>"),
        ("<a><c><d>2</d></c><b>$@NULL@$</b><e/></a>", "<a><c><d>2</d></c><b>$@NULL@$</b><e/></a>"),
        ("<p>See <b><i>this</i></b> or <u>that</u></p>", "<p>See <b><i>this</i></b> or <u>that</u></p>"),
    ],
)
def test_leaves_with_a_value_come_first_in_their_own_order(came: str, goes: str) -> None:
    tree = etree.fromstring(came)
    put_leaves_first(tree)
    assert etree.tostring(tree).decode() == goes
