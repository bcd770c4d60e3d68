"""`identity.yaml`: defaults, and refusals that name file and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer360.errors import ProjectError
from customer360.identity import IdentityConfig, load_identity_config
from customer360.identity.configuration import Probabilistic


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_identity_config(tmp_path / "identity.yaml") == IdentityConfig()
    assert IdentityConfig().identifiers["COOKIE_ID"] == 5 and IdentityConfig().identifiers["EMAIL"] == 10


def test_every_key(tmp_path: Path) -> None:
    file = tmp_path / "identity.yaml"
    file.write_text(
        "identifiers: {EMAIL: 3}\ncombinations: [[LAST_NAME, CITY]]\ncombination_limit: 4\nunreliable_percent: 7\nplaceholders: [x]\n"
        "trust: [shop, crm]\ngmail_is_one_mailbox: true\nphone_country: US\n"
        "probabilistic: {model: models/people.json, threshold: 0.8, most_pairs: 9}\n"
    )
    model = tmp_path / "models" / "people.json"
    model.parent.mkdir()
    model.touch()
    config = load_identity_config(file)
    assert config == IdentityConfig(
        {"EMAIL": 3}, (("LAST_NAME", "CITY"),), 4, 7, ("x",), ("shop", "crm"), True, "US", Probabilistic(model, 0.8, 9)
    )
    values = {name: parameter.value for name, parameter in config.parameters.items()}
    assert values["identity_types"] == ["OVERRIDE", "EMAIL", "LAST_NAME+CITY", "PROBABILISTIC"]
    assert values["share_limits"] == [2, 3, 4, 2]
    assert values["unreliable_percents"] == [100, 100, 7, 100]
    assert values["part_attributes"] == ["LAST_NAME", "CITY"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("identifers: {}", "identifers: unknown key"),
        ("- a", "must be a mapping"),
        ("identifiers: {EMAIL: 0}", r"identifiers\.EMAIL: 0 is no limit"),
        ("identifiers: {EMAIL: true}", r"identifiers\.EMAIL: True is no limit"),
        ("identifiers: {email: 3}", r"identifiers\.email: 'email' is no type"),
        ("identifiers: {IP_ADDRESS: 3}", r"identifiers\.IP_ADDRESS: cannot join people"),
        ("identifiers: {OVERRIDE: 3}", r"identifiers\.OVERRIDE: cannot join people"),
        ("identifiers: []", "identifiers: must be a mapping"),
        ("combinations: [LAST_NAME]", r"combinations\[0\]: must be a list"),
        ("combinations: [[A], [A]]", "combinations: holds the same combination twice"),
        ("combinations: [[A, A]]", r"combinations\[0\]: must name one attribute"),
        ("unreliable_percent: 101", "unreliable_percent: 101 is no percentage"),
        ("combinations: {}", "combinations: must be a list"),
        ("placeholders: [0000]", "placeholders: must be a list of texts"),
        ("gmail_is_one_mailbox: 1", "gmail_is_one_mailbox: 1 must be true or false"),
        ("phone_country: Germany", "phone_country: 'Germany' is no country code"),
        ("identifiers: {PROBABILISTIC: 3}", r"identifiers\.PROBABILISTIC: cannot join people"),
        ("probabilistic: {threshold: 0.9}", "probabilistic: must be a mapping with a model"),
        ("probabilistic: {model: nowhere.json}", r"probabilistic\.model: 'nowhere\.json' is no file"),
        ("probabilistic: {model: ., treshold: 1}", r"probabilistic\.treshold: unknown key"),
        ("probabilistic: {threshold: 90, model: .}", r"probabilistic\.threshold: 90 is no threshold"),
        ("a: [", "not YAML"),
    ],
)
def test_refusals_name_file_and_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "identity.yaml"
    file.write_text(text)
    with pytest.raises(ProjectError, match=message) as caught:
        load_identity_config(file)
    assert str(file) in str(caught.value)
