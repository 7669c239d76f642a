/** The most characters of a text that a stranger chose; of an address, the most that it can have. */
const maxCharacters = 100
export const maxAddressCharacters = 320

/** Controls, line ends and halves of characters, and what is invisible or turns the direction of text. The joiners stay: some scripts need them. */
const harmful = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200C\u200D])\p{Cf}/gu

/** Letters that are written from right to left. */
const rightToLeft = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/

/**
 * A text that a stranger chose, such as the name of a device, safe to stand in a mail: in one line, of bounded length, and
 * without effect on the direction of what is around it. Mail programs make links of what looks like an address, such as
 * `evil.example/login`, so an invisible space (U+200B) follows each punctuation mark.
 */
export function strangersText(text: string, max = maxCharacters): string {
  const line = text.replace(harmful, ' ').replace(/\s+/g, ' ').trim()
  const characters = [...line]
  const kept = characters.length > max ? `${characters.slice(0, max).join('')}…` : line
  const unlinked = kept.replace(/(\p{P})(?=\S)/gu, '$1\u200B')
  // Between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (UAX #9 §2.4).
  return rightToLeft.test(unlinked) ? `\u2068${unlinked}\u2069` : unlinked
}
