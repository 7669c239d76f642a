/**
 * A process that writes numbers to an embedded database until it is killed. Arguments: the data folder, and the last
 * number that an earlier run printed. First it prints `kept N`: how many of the numbers up to that one are stored. Then
 * it writes the numbers after the highest stored one, and prints each number when its write is acknowledged.
 */
import { openEmbeddedDatabase } from '../../../src/adapters/embedded/embedded-database.js'

const [dataDir = '', acknowledged = '0'] = process.argv.slice(2)
process.stdin.on('end', () => process.exit()).resume()

const database = await openEmbeddedDatabase({ dataDir })
const [row] = await database.run(
  (prisma) => prisma.$queryRaw<{ kept: number; highest: number }[]>`
    SELECT count(DISTINCT note) FILTER (WHERE note::int <= ${Number(acknowledged)}::int)::int AS kept,
      coalesce(max(note::int), 0)::int AS highest
    FROM event WHERE type = 'written'`
)
process.stdout.write(`kept ${row?.kept}\n`)

const write = (number: number) => ({ data: { type: 'written', note: String(number) } })
for (let number = (row?.highest ?? 0) + 1; ; number += 1) {
  await database.run<unknown>((prisma) =>
    // Every third number is written by a transaction of two statements.
    number % 3 === 0
      ? prisma.$transaction([prisma.event.create({ data: { type: 'beside' } }), prisma.event.create(write(number))])
      : prisma.event.create(write(number))
  )
  process.stdout.write(`${number}\n`)
}
