/** The field for an admin's reason. */
export const noteField = { label: 'Why, for the audit log (may be left empty)', maxLength: 500 }

/** An admin's reason as a member of a request's body; no member if it is empty. */
export const noteOf = (text: string) => (text === '' ? {} : { reason: text })
