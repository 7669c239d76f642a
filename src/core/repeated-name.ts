/**
 * The first name that an object in this JSON text has twice, however it is escaped; undefined if there is none. RFC 8259
 * §4 leaves open which of the two values counts. The text must be valid JSON: there, a string before a colon is a name.
 */
export function repeatedName(text: string): string | undefined {
  const objects: Set<string>[] = []
  for (const [token, literal] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g)) {
    if (token === '{') objects.push(new Set())
    if (token === '}') objects.pop()
    if (literal === undefined) continue
    const name: string = JSON.parse(literal)
    const names = objects.at(-1)
    if (names?.has(name)) return name
    names?.add(name)
  }
  return undefined
}
