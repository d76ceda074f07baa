"""Sign-in in a real browser: by the provider and out of it, and the second factor from its picture to the recovery code."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sign_in.identities import link
from sign_in.second_factor import device_of
from tests.pages.places import PASSWORD, Place
from tests.sign_in.authenticator import shown
from tests.sign_in.conftest import provider
from tests.sign_in.oidc_provider import SUBJECT, OidcProvider

Window = Callable[..., Page]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["provider"]


def secret_on(page: Page) -> str:
    """The secret that a page shows, in hexadecimal digits."""
    return base64.b32decode(page.locator("#secret").inner_text().replace(" ", "")).hex()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_second_factor_is_set_up_and_asked_for_by_keyboard_on_a_phone(
    colours: str, place: Place, window: Window
) -> None:
    page = window("ada", width=390)
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    page.goto("/accounts/second-factor/")
    picture = page.get_by_role("img", name="QR code of the secret")
    box = picture.bounding_box()
    assert box is not None
    assert 150 < box["width"] <= 390 - 16
    assert abs(box["width"] - box["height"]) < 30
    # A phone reads dark on light only.
    assert picture.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(255, 255, 255)"
    key = secret_on(page)
    page.get_by_label("Code", exact=True).fill("000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong.")
    assert secret_on(page) == key
    page.get_by_label("Code", exact=True).fill(shown(key))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    codes = page.locator("#recovery-codes li").all_inner_texts()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    device = device_of(place.admin)
    assert device is not None
    page.goto("/accounts/second-factor/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.type(codes[0])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Courses", exact=True).wait_for()


def test_a_person_goes_through_the_provider_and_signs_out_there_too(
    provider: OidcProvider, place: Place, window: Window
) -> None:
    link(place.teacher, provider.issuer, SUBJECT, by=None)
    page = window("ada")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in with Example University").click()
    page.get_by_role("heading", name="Courses", exact=True).wait_for()
    page.locator("details.menu summary").click()
    expect(page.get_by_text(re.compile("Signed in as"))).to_contain_text("tess")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Signed out at the provider")).to_be_visible()
    page.goto("/jobs/")
    expect(page.get_by_role("link", name="Sign in with Example University")).to_be_visible()
