"""Sign-in: passwords, OpenID Connect, LDAP, the second factor of administrators, and the limits on attempts."""
