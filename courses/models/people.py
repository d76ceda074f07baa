"""People: accounts, profile data, enrolments and roles."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth import models as auth
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import (
    Code,
    Echo,
    Int,
    LongText,
    Moment,
    Number,
    Ref,
    RichText,
    Text,
    UserName,
    UserRef,
    Within,
)
from courses.fields.secrets import Password
from courses.fields.special import MethodGroup
from courses.models.course import Course
from courses.models.site import Context
from courses.models.tags import TagUse


class Accounts(BaseUserManager["User"]):
    """The manager of accounts."""

    def create_user(
        self, username: str, email: str = "", password: str | None = None, **columns: Any
    ) -> User:
        """Create an account with a context of its own."""
        columns.setdefault("contextid", Context.objects.create().pk)
        columns.setdefault("confirmed", 1)
        user = self.model(username=username, email=email, **columns)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str = "", password: str | None = None, **columns: Any
    ) -> User:
        """Create an account of a site administrator, and record it in the audit trail as made by the site itself."""
        # The trail's models cannot be imported while these are.
        from audit.trail import record

        made = self.create_user(username, email, password, is_superuser=True, **columns)
        record(
            "account-created",
            by=None,
            subject="account",
            subject_id=made.pk,
            title=str(made),
            administrator=True,
        )
        return made


class User(AbstractBaseUser, ArchivedModel):
    """A person's account: `users.xml`. `personal` names the anonymised value of a column."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="user", userdata=True, files=())

    contextid = Ref("context", attribute=True, unique=True)
    username = UserName(100, unique=True, personal="username")
    idnumber = Text(255, personal="empty")
    email = Text(100, db_index=True, personal="email")
    phone1 = Text(20, personal="empty")
    phone2 = Text(20, personal="empty")
    institution = Text(255, personal="empty")
    department = Text(255, personal="empty")
    address = Text(255, personal="empty")
    city = Text(120, personal="empty")
    country = Text(2, personal="empty")
    lastip = Text(45, personal="empty")
    picture = Int(personal="zero")
    description = RichText(null=True, personal="empty")
    descriptionformat = Int(default=1)
    imagealt = Text(255, null=True, personal="null")
    auth = Text(20, default="manual", personal="manual")
    firstnamephonetic = Text(255, null=True, personal="null")
    lastnamephonetic = Text(255, null=True, personal="null")
    middlename = Text(255, null=True, personal="null")
    alternatename = Text(255, null=True, personal="null")
    firstname = Text(100, personal="firstname")
    lastname = Text(100, personal="lastname")
    mnethosturl = Text(255, null=True, optional=True, personal="null")
    confirmed = Int()
    policyagreed = Int(personal="zero")
    deleted = Int()
    lang = Text(30, default="en", personal="empty")
    theme = Text(50, personal="empty")
    timezone = Text(100, default="99", personal="anywhere")
    firstaccess = Moment(personal="zero")
    lastaccess = Moment(personal="zero")
    lastlogin = Moment(personal="zero")
    currentlogin = Moment(personal="zero")
    mailformat = Int(default=1)
    maildigest = Int()
    maildisplay = Int(default=2)
    autosubscribe = Int(default=1)
    trackforums = Int()
    timecreated = Moment(personal="zero")
    timemodified = Moment(personal="zero")
    trustbitmask = Int()
    suspended = models.BooleanField(default=False)
    revocations = models.PositiveIntegerField(
        default=0,
        help_text="How often all its sessions and password links were ended: by a suspension, a new address, or unlinking.",
    )
    is_superuser = models.BooleanField("site administrator", default=False)

    objects: ClassVar[Accounts] = Accounts()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        ordering = ("lastname", "firstname", "id")

    def __str__(self) -> str:
        return f"{self.firstname} {self.lastname}".strip() or self.username

    # Django declares an attribute that can be set; here it follows from three columns.
    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether the person may sign in."""
        return not self.deleted and not self.suspended and bool(self.confirmed)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return the digest that a session keeps: it ends when the password changes, and with each revocation."""
        # A session that was refused while the account was suspended must not go on when it is reactivated.
        salt = f"courses.models.User.session:{self.revocations}"
        return salted_hmac(salt, self.password, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_staff(self) -> bool:
        """Whether the person administers the site."""
        return self.is_superuser

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether the person has a capability for an object, or for the site if `obj` is None."""
        if not self.is_active or self.is_superuser:
            return self.is_active
        # Asking all backends is a function of Django's that its stubs leave out.
        return bool(auth._user_has_perm(self, perm, obj))  # type: ignore[attr-defined]

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the person sees an app in Django's administration."""
        return self.is_active and self.is_superuser


class ProfileField(ArchivedModel):
    """The value of a custom profile field of a person."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, personal=True, unique=False)

    user = Within(User, "custom_fields/custom_field")
    field_name = Code(255)
    field_type = Code(255)
    field_data = LongText(null=True)


class UserTag(TagUse):
    """An interest of a person."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, personal=True, unique=False)

    user = Within(User, "tags/tag")


class Preference(ArchivedModel):
    """A preference of a person."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, personal=True)

    user = Within(User, "preferences/preference")
    name = Text(255)
    value = LongText()


class Enrol(ArchivedModel):
    """An enrolment method of a course: `course/enrolments.xml`."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="enrol",
        natural_key=("enrol",),
        same_by=("enrol", "name", "roleid", "customint1"),
        single_for=frozenset({"manual", "guest"}),
    )

    course = Within(Course, "enrols/enrol", member="course/enrolments.xml")
    enrol = Text(20)
    status = Int()
    name = Text(255, null=True)
    enrolperiod = Int(null=True, default=0)
    # Moodle leaves both where they are, and so a course that moves is closed to those for whom it was open.
    enrolstartdate = Moment(null=True, default=0, shifts=True)
    enrolenddate = Moment(null=True, default=0, shifts=True)
    expirynotify = Int(null=True, default=0)
    expirythreshold = Int(null=True, default=0)
    notifyall = Int(null=True, default=0)
    password = Password(50, null=True)
    cost = Text(20, null=True)
    currency = Text(3, null=True)
    roleid = Ref("role", null=True)
    customint1 = Int(null=True)
    customint2 = MethodGroup(null=True)
    customint3 = Int(null=True)
    customint4 = Int(null=True)
    customint5 = Int(null=True)
    customint6 = Int(null=True)
    customint7 = Int(null=True)
    customint8 = Int(null=True)
    customchar1 = Text(255, null=True)
    customchar2 = Text(255, null=True)
    customchar3 = Text(1333, null=True)
    customdec1 = Number(max_digits=12, decimal_places=7, null=True)
    customdec2 = Number(max_digits=12, decimal_places=7, null=True)
    customtext1 = LongText(null=True)
    customtext2 = LongText(null=True)
    customtext3 = LongText(null=True)
    customtext4 = LongText(null=True)
    timecreated = Moment()
    timemodified = Moment()


class UserEnrolment(ArchivedModel):
    """A person's enrolment in a course, by one of its methods."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="user_enrolment", userdata=True, natural_key=("userid",), single=True
    )

    enrol = Within(Enrol, "user_enrolments/enrolment")
    status = Int()
    userid = UserRef(db_index=True)
    timestart = Moment()
    timeend = Moment(default=2147483647)
    modifierid = UserRef()
    timemodified = Moment()


STANDARD_TITLES = {
    "manager": "Manager",
    "coursecreator": "Course creator",
    "editingteacher": "Teacher",
    "teacher": "Non-editing teacher",
    "student": "Student",
    "guest": "Guest",
    "user": "Authenticated user",
    "frontpage": "Authenticated user on site home",
}
"""Titles of the standard roles by short name: they have no name of their own unless the site gives them one."""


def role_title(name: str | None, shortname: str) -> str:
    """Return what people call a role: its name, or the title of a standard role without one, or its short name."""
    return name or STANDARD_TITLES.get(shortname, shortname)


class Role(ArchivedModel):
    """A role of the site: `roles.xml` lists those that an archive refers to."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="role")

    name = Text(255)
    shortname = Text(100, unique=True)
    nameincourse = Echo(
        "(SELECT replace(replace(replace(name, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') FROM courses_rolename"
        " WHERE role_id = {row}.id AND course_id = %(course)s)",
        null=True,
    )
    description = LongText()
    sortorder = Int()
    archetype = Text(30)

    class Meta:
        ordering = ("sortorder", "id")

    def __str__(self) -> str:
        return role_title(self.name, self.shortname)


class RoleName(models.Model):
    """The course's own name for a role; it travels as the role's `nameincourse`."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="names")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="role_names")
    name = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "course"], name="one_name_a_role")]


class RoleOverride(ArchivedModel):
    """A permission of a role for one capability in one context."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        option="permissions",
        natural_key=("contextid", "roleid", "capability"),
        single=True,
        compared=False,
        archive_paths=[
            ArchivePath("courses.Course", "role_overrides/override", member="course/roles.xml"),
            ArchivePath("courses.Activity", "role_overrides/override", member="roles.xml"),
            ArchivePath("courses.Block", "role_overrides/override", member="roles.xml"),
            ArchivePath("courses.User", "roles/role_overrides/override"),
        ],
    )

    contextid = Ref("context", omit="it follows from the path of the element", db_index=True)
    roleid = Ref("role")
    capability = Text(255)
    permission = Int()
    timemodified = Moment()
    modifierid = UserRef()


class RoleAssignment(ArchivedModel):
    """A role that a person holds in a context."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True,
        option="role_assignments",
        natural_key=("roleid", "userid", "component"),
        single=True,
        archive_paths=[
            ArchivePath("courses.Course", "role_assignments/assignment", member="course/roles.xml"),
            ArchivePath("courses.Activity", "role_assignments/assignment", member="roles.xml"),
            ArchivePath("courses.Block", "role_assignments/assignment", member="roles.xml"),
            ArchivePath("courses.User", "roles/role_assignments/assignment"),
        ],
    )

    contextid = Ref("context", omit="it follows from the path of the element", db_index=True)
    roleid = Ref("role")
    userid = UserRef(db_index=True)
    timemodified = Moment()
    modifierid = UserRef()
    component = Code(100)
    itemid = Ref("enrol")
    sortorder = Int()
