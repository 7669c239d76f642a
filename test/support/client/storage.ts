/** A client's storage that keeps its items in `stored`. A test may replace its methods. */
export function storageIn(stored: Map<string, string>) {
  return {
    get: (name: string): string | undefined | Promise<string> => stored.get(name),
    set: (name: string, value: string): unknown => stored.set(name, value),
    remove: (name: string) => stored.delete(name)
  }
}
