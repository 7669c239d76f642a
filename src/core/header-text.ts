/**
 * Header text without the spaces and tabs around it (RFC 9110 §5.6.3). `String.trim` removes more, such as the byte 0xA0,
 * so two texts that browsers and proxies tell apart would become equal.
 */
export function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (isBlank(text[start])) start += 1
  while (end > start && isBlank(text[end - 1])) end -= 1
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
