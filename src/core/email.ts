/** An address as the user typed it, and its key: all spellings with one key share one account. */
export interface Email {
  readonly address: string
  readonly key: string
}

const maxLength = 254

/**
 * Reads an e-mail address; undefined for any other text. Spellings share one `key` if they differ only in case (ß and SS,
 * ς and σ too) or are equal after NFKC normalization. Invisible characters are refused. Dots and `+tags` that some
 * providers ignore are kept: they are the provider's rule, not ours.
 */
export function readEmail(text: string): Email | undefined {
  const address = text.trim().normalize('NFC')
  const key = foldCase(address.normalize('NFKC')).normalize('NFKC')
  if (key.length > maxLength || address.length > maxLength) return undefined
  if (!/^[^\s\p{C}\p{DI}@]+@[^\s\p{C}\p{DI}@.]+(\.[^\s\p{C}\p{DI}@.]+)*$/u.test(key)) return undefined
  return { address, key }
}

/** Lower-casing alone does not unify ς with σ and ẞ with ß, so fold to upper case in between. */
function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}
