/** An address as the user typed it, and its key: all spellings with one key share one account. */
export interface Email {
  readonly address: string
  readonly key: string
  /** The key without folding the domain to ASCII, as releases before 0.2 stored it. Usually the same text as `key`. */
  readonly olderKey: string
}

const maxLength = 254

/**
 * Reads an e-mail address; undefined for any other text. Spellings share one `key` if they differ only in case (ß and SS,
 * ς and σ too) or are equal after NFKC normalization, or if their domains are one domain in IDNA (`bücher.example` and
 * `xn--bcher-kva.example`). Invisible characters are refused. Dots and `+tags` that some providers ignore are kept: they
 * are the provider's rule, not ours.
 */
export function readEmail(text: string): Email | undefined {
  const address = text.trim().normalize('NFC')
  const normal = address.normalize('NFKC')
  const olderKey = fold(normal)
  const at = normal.lastIndexOf('@') + 1
  const domain = normal.slice(at)
  const folded = fold(domain)
  const key = fold(normal.slice(0, at)) + (asciiDomain(domain) ?? asciiDomain(folded) ?? folded)
  if (![address, olderKey, key].every((spelling) => spelling.length <= maxLength)) return undefined
  return isAddress(olderKey) && isAddress(key) ? { address, key, olderKey } : undefined
}

/**
 * An address of which only the domain and the first character can be read: `e…@example.org`. Its owner recognizes it, and
 * others do not learn it.
 */
export function maskedAddress(address: string): string {
  const at = address.lastIndexOf('@')
  return `${[...address.slice(0, at)][0] ?? ''}…${address.slice(at)}`
}

function isAddress(text: string): boolean {
  return /^[^\s\p{C}\p{DI}@]+@[^\s\p{C}\p{DI}@.]+(\.[^\s\p{C}\p{DI}@.]+)*$/u.test(text)
}

/** Lower-casing alone does not unify ς with σ and ẞ with ß, so fold to upper case in between. */
function fold(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
}

/**
 * An internationalized domain in ASCII, as browsers and resolvers spell it (UTS #46, by `URL`). Undefined for a domain
 * that is ASCII without such a label, and for one that is not valid. `URL` would read some other characters as
 * delimiters.
 */
function asciiDomain(domain: string): string | undefined {
  const isInternational = /[^ -~]|(^|\.)xn--/i.test(domain)
  const hasOtherSigns = /[ -,/:-@[-^`{-~]/.test(domain)
  const address = `http://${domain}`
  return isInternational && !hasOtherSigns && URL.canParse(address) ? new URL(address).hostname : undefined
}
