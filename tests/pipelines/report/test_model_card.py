"""The model card as HTML."""

from pipelines.report import model_card


def test_the_model_card_is_markdown_below_the_pages_headings() -> None:
    html = model_card.render_markdown(
        "## Data\n\n[a card](../data.md), [a site](https://example.com/x), <script>x</script>\n"
    )
    assert "<h3>Data</h3>" in html
    assert "card</a>" not in html
    assert 'a card, <a href="https://example.com/x">a site</a>' in html
    assert "&lt;script&gt;" in html


def test_the_taxi_models_card_says_what_a_card_has_to() -> None:
    from pipelines.tasks.taxi.task import TASK

    assert TASK.model_card is not None
    html = model_card.render_markdown(TASK.model_card.read_text())
    for heading in ("Intended use", "Data", "Metrics", "Limits", "Ethical notes"):
        assert f"<h3>{heading}</h3>" in html
