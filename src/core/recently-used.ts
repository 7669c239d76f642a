interface Entry<Value> {
  readonly text: string
  readonly value: Value
}

/** 16 characters of base64url are 96 bits. */
const keyLength = 16

/**
 * A cache of the most recently used values, by a token. When it is full it keeps at least `max / 2` and at most `max`
 * values. It has two halves and not one list in order of use, so that a hit in the young half writes nothing.
 *
 * The key is the end of the token, and the whole token is compared: that takes less time than to hash the whole token.
 * The end belongs to the signature, so two good tokens have the same one only by chance; the later one is then kept.
 */
export function recentlyUsed<Value>(max: number) {
  let young = new Map<string, Entry<Value>>()
  let old = new Map<string, Entry<Value>>()

  function add(key: string, entry: Entry<Value>): void {
    if (young.size >= max / 2) {
      old = young
      young = new Map()
    }
    young.set(key, entry)
  }

  return {
    get size() {
      return young.size + old.size
    },

    get(text: string): Value | undefined {
      const key = text.slice(-keyLength)
      const entry = young.get(key)
      if (entry !== undefined) return entry.text === text ? entry.value : undefined
      const older = old.get(key)
      if (older?.text !== text) return undefined
      old.delete(key)
      add(key, older)
      return older.value
    },

    set(text: string, value: Value): void {
      const key = text.slice(-keyLength)
      old.delete(key)
      add(key, { text, value })
    },

    delete(text: string): void {
      const key = text.slice(-keyLength)
      young.delete(key)
      old.delete(key)
    }
  }
}
