"""Questions that activities use, so that what has them is not removed under these activities."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet

from courses.models import Activity
from courses.models.questions import QuestionCategory


def activities_using(categories: QuerySet[QuestionCategory], contexts: Collection[int]) -> QuerySet[Activity]:
    """Return the activities that use questions of these categories, or draw random questions from banks of these contexts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.usingcontextid FROM courses_questionreference r"
            " JOIN courses_questionbankentry e ON e.id = r.questionbankentryid"
            " WHERE e.category_id = ANY(%(categories)s)"
            " UNION SELECT r.usingcontextid FROM courses_questionsetreference r"
            " WHERE r.questionscontextid = ANY(%(contexts)s)",
            {"categories": list(categories.values_list("pk", flat=True)), "contexts": list(contexts)},
        )
        using = [context for (context,) in cursor.fetchall()]
    return Activity.objects.filter(contextid__in=using)
