"""Makes sample courses with realistic contents, in sizes from a hundred records to a million."""

from demo.samples.course import Sample, make_forum, make_sample
from demo.samples.draft import Progress
from demo.samples.sizes import SIZES, Size

__all__ = ["SIZES", "Progress", "Sample", "Size", "make_forum", "make_sample"]
