/**
 * A cache of the most recently used values, by a text. When it is full it keeps at least `max / 2` and at most `max`
 * values. It has two halves and not one list in order of use, so that a hit in the young half writes nothing.
 */
export function recentlyUsed<Value>(max: number) {
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()

  function set(text: string, value: Value): void {
    if (young.size >= max / 2) {
      old = young
      young = new Map()
    }
    young.set(text, value)
  }

  return {
    get size() {
      return young.size + old.size
    },

    get(text: string): Value | undefined {
      const value = young.get(text)
      if (value !== undefined) return value
      const older = old.get(text)
      if (older === undefined) return undefined
      old.delete(text)
      set(text, older)
      return older
    },

    set,

    delete(text: string): void {
      young.delete(text)
      old.delete(text)
    }
  }
}
