"""All models of a course, one file per subject; activity, question and block types have packages of their own."""

from courses import activities
from courses import blocks as block_types
from courses.discovery import import_all
from courses.models.blocks import Block
from courses.models.course import (
    Activity,
    Course,
    CourseCustomField,
    CourseFormatOption,
    Section,
    SectionFormatOption,
)
from courses.models.files import File
from courses.models.groups import (
    Group,
    GroupCustomField,
    Grouping,
    GroupingCustomField,
    GroupingGroup,
    GroupMember,
)
from courses.models.opaque import OpaqueElement, OpaqueMember
from courses.models.people import (
    Enrol,
    Preference,
    ProfileField,
    Role,
    RoleAssignment,
    RoleName,
    RoleOverride,
    User,
    UserEnrolment,
    UserTag,
)
from courses.models.site import SYSTEM_CONTEXT, Category, Context
from courses.models.storages import MarkedStorage
from courses.models.tags import ActivityTag, Comment, CourseTag, Rating, TagUse

import_all(__name__, __path__)
activities.discover()
block_types.discover()

__all__ = [
    "SYSTEM_CONTEXT",
    "Activity",
    "ActivityTag",
    "Block",
    "Category",
    "Comment",
    "Context",
    "Course",
    "CourseCustomField",
    "CourseFormatOption",
    "CourseTag",
    "Enrol",
    "File",
    "Group",
    "GroupCustomField",
    "GroupMember",
    "Grouping",
    "GroupingCustomField",
    "GroupingGroup",
    "MarkedStorage",
    "OpaqueElement",
    "OpaqueMember",
    "Preference",
    "ProfileField",
    "Rating",
    "Role",
    "RoleAssignment",
    "RoleName",
    "RoleOverride",
    "Section",
    "SectionFormatOption",
    "TagUse",
    "User",
    "UserEnrolment",
    "UserTag",
]
