import { alternativeRows, alternatives, honestRows, type SearchRow, thiefRows } from './rows.js'
import { type SearchResult, type Story, search } from './search.js'
import type { SearchSetting } from './setting.js'
import { maxRounds } from './state.js'

/** A table of the docs, in Markdown, and the stories behind it. */
export interface Table {
  readonly name: 'honest' | 'thief' | 'alternatives'
  readonly lines: readonly string[]
  readonly stories: readonly { readonly of: string; readonly story: Story }[]
}

/** Searches everything, and prints what the docs show. `changes` replaces parts of every setting. */
export function searchTables(changes: Partial<Pick<SearchSetting, 'stepSeconds'>> = {}): readonly Table[] {
  const run = ({ setting }: Pick<SearchRow, 'setting'>) => search({ ...setting, ...changes })

  const honest = honestRows.map((row) => ({ row, result: run(row) }))
  const thief = thiefRows.map((row) => ({ row, result: run(row) }))
  const others = alternatives.map(({ words, decide }) => {
    const rows = alternativeRows(decide)
    const signedOut = rows.honest.map((row) => ({ row, result: run(row) })).filter(({ result }) => result.signOut)
    return { words, result: run({ setting: rows.thief }), signedOut }
  })

  return [
    {
      name: 'honest',
      lines: lines(
        ['key', 'tabs refresh', 'lost responses', '`grace`', 'client gives up after', 'signed out', 'states'],
        honest.map(({ row, result }) => [
          ...row.words,
          result.signOut ? 'found' : 'never',
          states(result, result.signOut)
        ])
      ),
      stories: honest.flatMap(({ row, result }) => tell(row.words.join(', '), result.signOut))
    },
    {
      name: 'thief',
      lines: lines(
        [
          'the thief has',
          "the client's key",
          'setting',
          'newer token inside the window',
          'both go on',
          'event',
          'states'
        ],
        thief.map(({ row, result }) => [...row.words, ...outcome(result)])
      ),
      stories: thief.flatMap(({ row, result }) =>
        tell(row.words.join(', '), result.untraced ?? result.newerInsideWindow)
      )
    },
    {
      name: 'alternatives',
      lines: lines(
        [
          'rules',
          'newer token inside the window',
          'both go on',
          'event',
          'states',
          'signs out honest clients with a key'
        ],
        others.map(({ words, result, signedOut }) => [
          words,
          ...outcome(result),
          signedOut.length === 0 ? 'never' : [...new Set(signedOut.map(({ row }) => row.words.join()))].join('; ')
        ])
      ),
      stories: others.flatMap(({ words, result, signedOut }) => [
        ...tell(words, result.untraced),
        ...signedOut.flatMap(({ row, result }) => tell(`${words}: ${row.words.join()}`, result.signOut))
      ])
    }
  ]
}

const roundWords = ['never', 'once', 'twice']

function outcome(result: SearchResult): readonly string[] {
  const isEndless = result.rounds === maxRounds
  const event = result.untraced ? 'not always' : 'always'
  return [
    result.newerInsideWindow ? 'yes' : 'never',
    isEndless ? 'again and again' : (roundWords[result.rounds] ?? `${result.rounds} times`),
    result.rounds === 0 ? '–' : event,
    states(result, isEndless)
  ]
}

/** A search that stopped early has not visited all states. */
const states = (result: SearchResult, stopped: unknown) => (stopped ? 'stopped' : result.states.toLocaleString('en-US'))

const lines = (head: readonly string[], rows: readonly (readonly string[])[]) => [
  `| ${head.join(' | ')} |`,
  `|${'---|'.repeat(head.length)}`,
  ...rows.map((cells) => `| ${cells.join(' | ')} |`)
]

const tell = (of: string, story: Story | undefined) => (story === undefined ? [] : [{ of, story }])
