import { readFile } from 'node:fs/promises'
import t from 'tap'
import { problems } from '../../src/core/problems.js'
import { endedReasons } from '../../src/core/vocabulary.js'
import { refusedByApp } from '../../src/http/host/host-refusal.js'
import { problemResponse } from '../../src/http/problem.js'
import { contractStatus } from '../support/http/contract-errors.js'

/** docs/errors.md, from the source tree or from the tree of compiled tests. */
const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8').catch(() =>
  readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
)
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...text] = section.split('\n')
      return [heading, text.join('\n').trim()]
    })
)

t.test('every code has the status of the contract', async (t) => {
  t.strictSame(Object.fromEntries(Object.entries(problems).map(([code, [status]]) => [code, status])), contractStatus)
})

t.test('docs/errors.md has a section for every code that begins with its status', async (t) => {
  t.strictSame([...sections.keys()].sort(), [...Object.keys(problems), refusedByApp].sort())
  for (const [code, [status]] of Object.entries(problems)) t.match(sections.get(code), new RegExp(`^${status}\\. \\S`))
})

t.test('docs/errors.md explains every reason of session_ended', async (t) => {
  const rows = [...(sections.get('session_ended') ?? '').matchAll(/^\| `(\w+)` \| \S/gm)].map(([, reason]) => reason)
  t.strictSame(rows.sort(), [...endedReasons].sort())
})

t.test('a problem contains only the members that apply', async (t) => {
  t.strictSame(problemResponse('not_found', {}, '/auth/docs/errors.md').body, {
    type: '/auth/docs/errors.md#not_found',
    title: 'There is no such thing',
    status: 404,
    code: 'not_found'
  })
})

t.test('Retry-After is in whole seconds, rounded up', async (t) => {
  t.equal(problemResponse('unavailable', { retryAfterSeconds: 0.2 }, '').headers['retry-after'], '1')
})

t.test('exactly 429 and 503 have Retry-After, of at least one second, even if no time was given', async (t) => {
  for (const code of typedKeys(problems)) {
    const [status] = problems[code]
    for (const details of [{}, { retryAfterSeconds: 0 }, { retryAfterSeconds: -1 }]) {
      const expected = status === 429 || status === 503 ? '1' : undefined
      t.equal(problemResponse(code, details, '').headers['retry-after'], expected, code)
    }
  }
})

const typedKeys = <Key extends string>(record: Readonly<Record<Key, unknown>>) => Object.keys(record) as Key[]
