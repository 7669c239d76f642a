/**
 * Finds the tag among `available` that fits the languages of a person, the most preferred one first. Each preferred tag
 * is shortened from its end until it is found: `de-AT` finds `de` (RFC 4647 §3.4). Undefined if none fits.
 */
export function lookUp(preferred: readonly string[], available: readonly string[]): string | undefined {
  const byLowerCase = new Map(available.map((tag) => [tag.toLowerCase(), tag]))
  const candidates = preferred.flatMap((tag) => shortened(tag.toLowerCase()))
  return candidates.map((tag) => byLowerCase.get(tag)).find((tag) => tag !== undefined)
}

/** A tag, then the tag without its last part, and so on. A part of one letter is removed with the part after it. */
function shortened(tag: string): string[] {
  const parts = tag.split('-')
  return parts
    .map((_, index) => parts.slice(0, parts.length - index))
    .filter((kept, index) => index === 0 || (kept.at(-1) ?? '').length > 1)
    .map((kept) => kept.join('-'))
}
