"""Operations that back up and restore in one: copy, import, and the recycle bin."""
