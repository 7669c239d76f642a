/**
 * The name of `names` that was probably meant, for "Did you mean …?". Capitals and underscores do not count, so
 * `DATABASE_URL` and `databaseURL` are near `databaseUrl`. Undefined if every name needs more than `maxMistakes` changes.
 */
export function nearestName<Name extends string>(
  written: string,
  names: readonly Name[],
  maxMistakes = 3
): Name | undefined {
  const plain = plainName(written)
  // A short name is near to many, so fewer mistakes are allowed in it.
  const allowed = Math.min(maxMistakes, Math.floor(plain.length / 3))
  const near = names
    .map((name) => ({ name, distance: editDistance(plain, plainName(name)) }))
    .filter(({ distance }) => distance <= allowed)
  return near.sort((a, b) => a.distance - b.distance)[0]?.name
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

/** How many letters must be added, left out, changed, or exchanged with the next to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let twoAbove: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const [left = 0, upper = 0, diagonal = 0] = [current[column - 1], above[column], above[column - 1]]
      const [beforeBoth = 0] = [twoAbove[column - 2]]
      const isExchange = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const exchanged = isExchange ? beforeBoth + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(left + 1, upper + 1, diagonal + (a[row - 1] === b[column - 1] ? 0 : 1), exchanged))
    }
    twoAbove = above
    above = current
  }
  const [distance = 0] = above.slice(-1)
  return distance
}
