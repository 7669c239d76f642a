export interface PasswordPolicy {
  readonly minLength: number
}

export type PasswordFault = 'password_too_short' | 'password_too_long' | 'password_too_common'

/** The longest password in UTF-8 bytes; a longer one is never hashed. 64 characters of any script fit (ASVS 6.2.9). */
export const maxPasswordBytes = 1024

/**
 * What is wrong with a new password; undefined if it is good (ASVS 6.2). The length counts code points, and there are no
 * composition rules. `isCommon` tells whether a lower-case password is common. `context` has words that an attacker tries
 * first, such as the e-mail address: a password that is such a word with digits or signs around it is refused (ASVS 6.2.11).
 */
export function judgePassword(
  password: string,
  policy: PasswordPolicy,
  context: readonly string[],
  isCommon: (lowerCase: string) => boolean
): PasswordFault | undefined {
  if (utf8Length(password) > maxPasswordBytes) return 'password_too_long'
  if ([...password].length < policy.minLength) return 'password_too_short'
  const lowerCase = password.toLowerCase()
  if (isCommon(lowerCase)) return 'password_too_common'
  if (context.some((word) => isMadeOf(lowerCase, word.toLowerCase()))) return 'password_too_common'
  return undefined
}

/** Shorter words occur in good passwords by chance. */
const minWordLength = 4

/** Whether a password consists of the word, once or more, and characters that are not letters. */
function isMadeOf(lowerCase: string, word: string): boolean {
  if (word.length < minWordLength || !lowerCase.includes(word)) return false
  return !/\p{L}/u.test(lowerCase.replaceAll(word, ''))
}

/** The length of `text` in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    bytes += character < '\u0080' ? 1 : character < '\u0800' ? 2 : character.length === 1 ? 3 : 4
  }
  return bytes
}

const noPasswordPrefix = 'none:'

/**
 * What an account without a password stores in place of a hash: no password has it. `id` differs each time, because
 * one-time links are bound to the stored text.
 */
export const noPasswordHash = (id: string): string => noPasswordPrefix + id

/** Whether an account with this stored hash has a password. */
export const hasPassword = (hash: string): boolean => !hash.startsWith(noPasswordPrefix)
