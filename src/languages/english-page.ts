/**
 * The words of the account page in English. `{name}` stands for a value that the page fills in. Another language has the
 * same keys and the same names: a new key is also written into `german-page.ts`.
 */
export const englishPage = {
  sign_in: 'Sign in',
  sign_out: 'Sign out',
  too_many_attempts: 'Too many attempts. Please wait {seconds} seconds.'
} as const satisfies Readonly<Record<string, string>>

export type PageWord = keyof typeof englishPage

export type PageWords = Readonly<Record<PageWord, string>>
