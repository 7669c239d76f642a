/** The field for an admin's reason. */
export const noteField = { label: 'Why, for the audit log (may be left empty)', maxLength: 500 }

/** The reason as a member of a request's body. */
export const noteOf = (text: string) => (text === '' ? {} : { reason: text })
