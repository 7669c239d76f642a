/** What a role's name looks like, as a regular expression's source: short, lower-case, safe in logs and shells. */
export const rolePattern = '^[a-z][a-z0-9_-]{0,31}$'

/** A user holds at most this many, so that every access token stays small. */
export const maxRoles = 16
