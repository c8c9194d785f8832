"""The codebook that people read is the one that the code holds."""

from pathlib import Path

from review_tool.coding import CONFIDENCES as CONFIDENCE_RANGE
from review_tool.coding import SEVERITIES as SEVERITY_RANGE
from review_tool.coding import STRENGTHS as STRENGTH_RANGE
from review_tool.statistics import codebook

FILE = Path(codebook.__file__).with_name("CODEBOOK.md")


def test_the_file_is_what_the_definitions_say():
    """A code that is documented wrongly is coded wrongly."""
    assert FILE.read_text(encoding="utf-8") == codebook.codebook()


def test_every_value_of_a_scale_has_an_anchor():
    """Two coders can only agree on a scale whose steps are written down."""
    assert list(codebook.STRENGTHS) == list(STRENGTH_RANGE)
    assert list(codebook.SEVERITIES) == list(SEVERITY_RANGE)
    assert list(codebook.CONFIDENCES) == list(CONFIDENCE_RANGE)
