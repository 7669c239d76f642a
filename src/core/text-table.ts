/** The rows as lines of text. Each column is as wide as its longest cell; the first row says how many columns there are. */
export function textTable(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0] ?? []
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) => {
    const cells = row.map((cell, i) => cell.padEnd(widths[i] ?? 0))
    return cells.join('  ').trimEnd()
  })
}
