import t from 'tap'
import { plainLine, workQueue } from '../../../src/adapters/queue/work-queue.js'
import { Unavailable } from '../../../src/ports/errors.js'

/** Operations that end when the test opens the gate. */
function gate() {
  const open: (() => void)[] = []
  return {
    pass: () => new Promise<void>((resolve) => open.push(resolve)),
    started: () => open.length,
    openNext: () => open.shift()?.(),
    async openAll() {
      while (open.length > 0) {
        open.shift()?.()
        await turn()
      }
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('no more than maxRunning operations run at once, and the others follow in order', async (t) => {
  const operations = workQueue({ name: 'database', line: plainLine(2, 10), waitSeconds: 60 })
  const { pass, started, openNext, openAll } = gate()
  const order: number[] = []
  const all = Promise.all(
    [0, 1, 2, 3].map((number) =>
      operations.run(async () => {
        order.push(number)
        await pass()
      })
    )
  )
  await turn()
  t.equal(started(), 2)
  openNext()
  await turn()
  t.same(order, [0, 1, 2])
  await openAll()
  await all
  t.same(order, [0, 1, 2, 3])
})

t.test('a failed operation frees its slot, and its error passes unchanged', async (t) => {
  const operations = workQueue({ name: 'database', line: plainLine(1, 0), waitSeconds: 60 })
  const fault = new TypeError('unchanged')
  await t.rejects(
    operations.run(() => Promise.reject(fault)),
    fault
  )
  t.equal(await operations.run(async () => 'free'), 'free')
})

t.test('a full queue refuses at once', async (t) => {
  const operations = workQueue({ name: 'database', line: plainLine(1, 1), waitSeconds: 60 })
  const { pass, openAll } = gate()
  const running = [operations.run(pass), operations.run(pass)]
  await t.rejects(operations.run(pass), Unavailable)
  await turn()
  await openAll()
  await Promise.all(running)
})

t.test('an operation that waits too long is refused, and does not run later', async (t) => {
  const operations = workQueue({ name: 'database', line: plainLine(1, 5), waitSeconds: 0.001 })
  const { pass, started, openAll } = gate()
  const running = operations.run(pass)
  const refusal = operations.run(pass)
  const refused: unknown = await refusal.catch((error: unknown) => error)
  t.ok(refused instanceof Unavailable && refused.retryAfterSeconds === 1)
  await openAll()
  await running
  await turn()
  t.equal(started(), 0)
  t.equal(await operations.run(async () => 'free'), 'free')
})

t.test('closing lets running operations end, and refuses waiting and new ones', async (t) => {
  const operations = workQueue({ name: 'database', line: plainLine(1, 5), waitSeconds: 60 })
  const { pass, openAll } = gate()
  let ended = false
  const running = operations.run(pass).then(() => {
    ended = true
  })
  const waiting = t.rejects(operations.run(pass), Unavailable)
  const closing = operations.close().then(() => t.ok(ended, 'closed only after the last one ended'))
  await waiting
  await t.rejects(operations.run(pass), Unavailable)
  await openAll()
  await Promise.all([running, closing])
})

t.test('an idle queue closes at once', async () => {
  await workQueue({ name: 'database', line: plainLine(1, 1), waitSeconds: 60 }).close()
})

t.test('load returns how many operations run and wait', async (t) => {
  const operations = workQueue({ name: 'database', line: plainLine(1, 10), waitSeconds: 60 })
  const { pass, openAll } = gate()
  const all = Promise.all([operations.run(pass), operations.run(pass), operations.run(pass)])
  await turn()
  t.same(operations.load(), { running: 1, waiting: 2 })
  await openAll()
  await all
  t.same(operations.load(), { running: 0, waiting: 0 })
})
