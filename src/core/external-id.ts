/** The greatest number of characters of an external id. The `sub` of OpenID Connect has at most as many (Core §2). */
export const maxExternalIdLength = 255

/**
 * Whether a text can be the id by which a host knows a person: 1 to 255 characters, without U+0000 and unpaired surrogates,
 * which PostgreSQL cannot store. Any other text is an id as it is: nothing is trimmed or folded, so two texts are two people.
 */
export const isExternalId = (text: string): boolean => /^[^\0\p{Cs}]{1,255}$/su.test(text)
