/** Watches, found by their session and by the second in which they are due. */
export interface WatchIndex<Watch> {
  readonly size: number
  add(watch: Watch, sid: string, dueAt: number): void
  /** Removes a watch that was added with this session and time. */
  delete(watch: Watch, sid: string, dueAt: number): void
  /** The watches of a session; a copy, so that each can be removed meanwhile. */
  ofSession(sid: string): Watch[]
  all(): Watch[]
  /** The watches that are due at `now`, in milliseconds. */
  due(now: number): Watch[]
}

/** Makes an empty index. It keeps nothing of a watch that was removed. */
export function watchIndex<Watch>(): WatchIndex<Watch> {
  const bySession = new Map<string, Set<Watch>>()
  // So many watches share a second that looking at each second costs little.
  const bySecond = new Map<number, Set<Watch>>()
  let size = 0

  return {
    get size() {
      return size
    },
    add(watch, sid, dueAt) {
      addTo(bySession, sid, watch)
      addTo(bySecond, secondOf(dueAt), watch)
      size += 1
    },
    delete(watch, sid, dueAt) {
      deleteFrom(bySession, sid, watch)
      deleteFrom(bySecond, secondOf(dueAt), watch)
      size -= 1
    },
    ofSession: (sid) => [...(bySession.get(sid) ?? [])],
    all: () => [...bySession.values()].flatMap((watches) => [...watches]),
    due: (now) => [...bySecond].filter(([second]) => second * 1000 <= now).flatMap(([, watches]) => [...watches])
  }
}

/** The first whole second at which a watch is due, so that none is due too early. */
function secondOf(dueAt: number): number {
  return Math.ceil(dueAt / 1000)
}

function addTo<Key, Member>(groups: Map<Key, Set<Member>>, key: Key, member: Member): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, new Set([member]))
  else group.add(member)
}

function deleteFrom<Key, Member>(groups: Map<Key, Set<Member>>, key: Key, member: Member): void {
  const group = groups.get(key)
  group?.delete(member)
  if (group?.size === 0) groups.delete(key)
}
