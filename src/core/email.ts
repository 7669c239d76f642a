/** An address as it was typed, and the key under which there is one account for all its spellings. */
export interface Email {
  readonly address: string
  readonly key: string
}

const maxLength = 254

/**
 * Reads an e-mail address; undefined where the text is none. All spellings that differ in case
 * alone (ß and SS, ς and σ too) or in what NFKC folds share one `key`, so that they share one account;
 * characters that nobody sees are refused. The dots and tags that some providers ignore stay: they
 * are the provider's rule, not ours.
 */
export function readEmail(text: string): Email | undefined {
  const address = text.trim().normalize('NFC')
  const key = foldCase(address.normalize('NFKC')).normalize('NFKC')
  if (key.length > maxLength || address.length > maxLength) return undefined
  if (!/^[^\s\p{C}\p{DI}@]+@[^\s\p{C}\p{DI}@.]+(\.[^\s\p{C}\p{DI}@.]+)*$/u.test(key)) return undefined
  return { address, key }
}

/** One way alone leaves some letters apart from their own capitals: ς from σ, and ẞ from ß. */
function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}
