/** The words that an admin has typed, such as roles or scopes, separated by spaces or commas. */
export const wordsOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((role) => role !== ''))]
