/** Longer texts are cut. An address can have 320 characters, so none is cut. */
const maxCharacters = 100
export const maxAddressCharacters = 320

/**
 * Control characters, line ends, single surrogates, and characters that are invisible or change the direction of text.
 * Not the two joiners, which some scripts need.
 */
const harmful = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200C\u200D])\p{Cf}/gu

/** Letters that are written from right to left. */
const rightToLeft = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/

/**
 * Makes a text that a stranger chose, such as the name of a device, safe for a mail: it is one line of bounded length,
 * and does not change the direction of the text around it. Mail programs turn text that looks like an address, such as
 * `evil.example/login`, into a link, so an invisible space (U+200B) follows each punctuation mark.
 */
export function strangersText(text: string, max = maxCharacters): string {
  const line = text.replace(harmful, ' ').replace(/\s+/g, ' ').trim()
  const characters = [...line]
  const kept = characters.length > max ? `${characters.slice(0, max).join('')}…` : line
  const unlinked = kept.replace(/(\p{P})(?=\S)/gu, '$1\u200B')
  // Between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (UAX #9 §2.4).
  return rightToLeft.test(unlinked) ? `\u2068${unlinked}\u2069` : unlinked
}
