"""Who may do what: users, roles, tokens, grants, and the audit log."""
