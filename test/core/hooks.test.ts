import t from 'tap'
import { hookPauseSeconds, readHooks } from '../../src/core/hooks.js'

const run = async () => undefined

t.test('a function alone has the cursor of its kind, and functions by name have one each', async (t) => {
  const options = { onUserCreated: run, onSessionEnded: { crm: run, 'close-sockets_2': run } }
  const { hooks, faults } = readHooks(options)
  t.strictSame(
    hooks.map(({ kind, name }) => [kind, name]),
    [
      ['onUserCreated', 'onUserCreated'],
      ['onSessionEnded', 'onSessionEnded:crm'],
      ['onSessionEnded', 'onSessionEnded:close-sockets_2']
    ]
  )
  t.strictSame(faults, [])
  t.strictSame(readHooks({}), { hooks: [], faults: [] })
  t.strictSame(readHooks({ onUserDeleted: undefined, onSessionEnded: {} }), { hooks: [], faults: [] })
})

t.test('what is no hook is a fault that names the option', async (t) => {
  for (const wrong of ['crm', 7, null, true, { crm: 'x' }, { crm: undefined }, [null]]) {
    const { hooks, faults } = readHooks({ onUserCreated: wrong as never })
    t.strictSame(hooks, [], String(wrong))
    t.match(faults, [/^onUserCreated /])
  }
  for (const name of ['', 'Crm', '1st', 'a b', 'a:b', 'ä', 'x'.repeat(33), '__proto__']) {
    const { hooks, faults } = readHooks({ onUserDeleted: Object.fromEntries([[name, run]]) })
    t.strictSame(hooks, [], name)
    t.strictSame(faults.length, 1)
    t.match(faults[0], 'onUserDeleted has the name ')
  }
})

t.test('the pauses after failures grow, up to a minute', async (t) => {
  t.strictSame([1, 2, 3, 4, 5, 6, 7, 8, 5000].map(hookPauseSeconds), [1, 2, 4, 8, 16, 32, 60, 60, 60])
})
