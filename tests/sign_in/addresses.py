"""Addresses to which no sign-in may lead: those of other sites, however they are written, and what is no path of this one."""

ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "javascript:alert(1)",
    "/\\evil.example",
    "\u00b2",
    "jobs",
    "///evil.example",
)
