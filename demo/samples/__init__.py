"""Sample courses: what a teacher would recognise, in sizes from a hundred records to a million."""

from demo.samples.course import Sample, make_forum, make_sample
from demo.samples.draft import Tell
from demo.samples.sizes import SIZES, Size

__all__ = ["SIZES", "Sample", "Size", "Tell", "make_forum", "make_sample"]
