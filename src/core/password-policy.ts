export interface PasswordPolicy {
  readonly minLength: number
}

export type PasswordFault = 'password_too_short' | 'password_too_long' | 'password_too_common'

/** No password above this many UTF-8 bytes is ever hashed; 64 characters of any script fit (ASVS 6.2.9). */
export const maxPasswordBytes = 1024

/**
 * Judges a new password (ASVS 6.2): length in code points, no composition rules, exactly as
 * received. `isCommon` answers for the list of common passwords, asked in lower case; `context` are
 * words too near to the account or the service to be secret, such as its e-mail address, however they
 * are decorated (ASVS 6.2.11).
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

/** A shorter word says little of what it stands in. */
const minWordLength = 4

/** Whether a password is the word, once or more, with nothing but digits and signs around it. */
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
