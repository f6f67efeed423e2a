from halfmap.tui.report.elements import Markup, element, facts, section, table, together


def test_texts_and_attributes_are_escaped_and_only_what_was_made_here_is_markup() -> None:
    made = element("p", "<b>&", element("i", "x"), title='"><script>')
    assert made == '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;<i>x</i></p>'
    assert isinstance(made, Markup)


def test_control_characters_and_marks_that_turn_text_round_become_visible() -> None:
    assert element("p", "a\x1b[31m\u202eb\x00") == "<p>a\ufffd[31m\ufffdb\ufffd</p>"


def test_a_void_element_has_no_end_and_empty_attributes_are_left_out() -> None:
    assert element("meta", charset="utf-8", class_="") == '<meta charset="utf-8">'


def test_facts_without_values_and_sections_without_parts_are_left_out() -> None:
    assert facts([("host", ""), ("seed", "7")]) == "<dl><dt>seed</dt><dd>7</dd></dl>"
    assert facts([("host", "")]) == ""
    assert section("Map", "", Markup()) == ""
    assert section("Map", "x") == "<section><h2>Map</h2>x</section>"


def test_a_table_escapes_its_cells_and_scrolls_by_itself() -> None:
    made = table(["a<b"], [["<td>"], [element("b", "1")]])
    assert made.startswith('<div class="wide"><table>')
    assert "a&lt;b" in made
    assert "<td>&lt;td&gt;</td>" in made
    assert "<td><b>1</b></td>" in made


def test_parts_are_put_together_with_what_stands_between() -> None:
    assert together([element("b", "1"), "<"], " & ") == "<b>1</b> &amp; &lt;"
