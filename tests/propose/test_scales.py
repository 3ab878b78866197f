import pytest

from workbench.propose.scales import choose_scale, format_literal


@pytest.mark.parametrize(
    ("value", "up", "down"),
    [
        (1e-3, 0.002, 0.0005), (0.9, 0.95, 0.8), (0.999, 0.9995, 0.998), (4.0, 8.0, 2.0),
        (64, 128, 32), (48, 96, 24), (3, 4, 2), (6, 7, 5),
        (100, 200, 50), (-0.5, -0.75, -0.25), (0.0, 0.01, 0.0), (1, 2, 1), (False, True, False),
    ],
)  # fmt: skip
def test_one_step_is_a_natural_change(value, up, down):
    scale = choose_scale(value)
    assert scale.value(scale.at(value) + 1) == up
    assert scale.value(scale.at(value) - 1) == down


@pytest.mark.parametrize("value", [0.5, 0.1, 0.99, 0.001, 1 - 1e-6])
def test_fractions_stay_inside_zero_and_one(value):
    scale = choose_scale(value)
    for step in (-6, -3.3, -1, 0.7, 3, 6):
        assert 0 < scale.value(scale.at(value) + step) < 1


@pytest.mark.parametrize("value", [3, 8, 100, 7, 1, 0, -16])
def test_integers_stay_integers_and_keep_their_sign(value):
    scale = choose_scale(value)
    for step in (-4, -1, -0.5, 0.5, 1, 4):
        new = scale.value(scale.at(value) + step)
        assert type(new) is int
        assert new * value >= 0
        assert new != 0 or value == 0


def test_layers_move_by_one_though_two_is_a_power_of_two():
    assert choose_scale(4, is_count=True).value(5) == 5
    assert choose_scale(8, is_count=True).value(8 + 1) == 9


@pytest.mark.parametrize(
    ("value", "like", "text"),
    [
        (2e-3, "1e-3", "2e-3"), (2.5e-4, "1E-3", "2.5E-4"), (0.002, "0.001", "0.002"),
        (0.00005, "0.0001", "5e-5"), (100_608, "50_304", "100_608"), (128, "64", "128"),
        (-0.25, "-0.5", "-0.25"), (True, "False", "True"), ("relu", "'gelu'", "'relu'"),
        ("relu", '"gelu"', '"relu"'),
        (2.0, "1.", "2.0"), (2000.0, "1_000.0", "2_000.0"), (3e20, "1e20", "3e20"),
    ],
)  # fmt: skip
def test_a_literal_is_written_in_the_manner_of_the_old_one(value, like, text):
    assert format_literal(value, like) == text
    if not isinstance(value, str):
        assert type(eval(text)) is type(value)
        assert eval(text) == value
