import t, { type Test } from 'tap'
import { redisNotices } from '../../../src/adapters/notices/redis-notices.js'
import { memoryRateLimits } from '../../../src/adapters/rate-limits/memory-rate-limits.js'
import { redisRateLimits } from '../../../src/adapters/rate-limits/redis-rate-limits.js'
import { sha256 } from '../../../src/adapters/secrets/system.js'
import type { ServerWatch } from '../../../src/ports/metrics.js'
import { until } from '../../support/faults/crowd.js'
import { cannotRunRedis, startRedis } from '../../support/redis/redis-servers.js'

/** A watch that keeps why the server failed. */
function reasonWatch() {
  const reasons: string[] = []
  const watch: ServerWatch = {
    time: (operation) => operation(),
    served: () => undefined,
    failed: (error) => void reasons.push(error instanceof Error ? error.message : String(error))
  }
  return { watch, reasons }
}

/** Uses a limit of ten keys, with and without a pause after a failure, and connects for notices. What the log would say. */
async function trial(t: Test, url: string) {
  const { watch, reasons } = reasonWatch()
  let now = 0
  const limits = redisRateLimits({
    url,
    name: 'trial',
    inMemory: memoryRateLimits(),
    digest: sha256,
    watch,
    timeoutMilliseconds: 5000,
    monotonic: () => now
  })
  t.teardown(limits.close)
  for (let key = 0; key < 10; key++) {
    now += 1000
    t.match(await limits.use({ limit: { name: 'guess', max: 3, windowSeconds: 60 }, key: String(key) }), {
      granted: true
    })
  }
  const ofLimits = reasons.splice(0)
  const notices = redisNotices(url, 'trial', watch)
  t.teardown(notices.close)
  const connection = await notices
    .connect({ onNotice: () => undefined, onLost: () => undefined })
    .catch(() => undefined)
  await connection?.close()
  return { ofLimits: [...new Set(ofLimits)], times: ofLimits.length, ofNotices: reasons }
}

t.test('a Redis that cannot be used is named with its cause', { skip: cannotRunRedis }, async (t) => {
  const guarded = await startRedis(t, ['requirepass secret#/'])
  const { port } = guarded
  const place = `127.0.0.1:${port}`

  await t.test('a wrong password and a missing one', async (t) => {
    const wrong = await trial(t, `redis://:hunter2@${place}`)
    t.strictSame(wrong.ofLimits, [`${place} refuses the password`])
    t.strictSame(wrong.ofNotices, [`${place} refuses the password`])
    const none = await trial(t, guarded.url)
    t.strictSame(none.ofLimits, [`${place} asks for a password, and REDIS_URL has none`])
    t.strictSame(none.ofNotices, none.ofLimits)
    const right = await trial(t, `redis://:secret#%2F@${place}/3`)
    t.strictSame([right.ofLimits, right.ofNotices], [[], []])
  })

  await t.test(
    'a user with the rights of docs/addresses.md can do everything, and one with fewer is named',
    async (t) => {
      const rights =
        '+@connection +info +eval +publish +subscribe +get +set +pttl +exists +decr +del ~latchkey:limit:* &latchkey:*'
      await guarded.command('auth', 'secret#/')
      await guarded.command('acl', 'setuser', 'ada', 'on', '>pass', 'resetchannels', ...rights.split(' '))
      const { ofLimits, ofNotices } = await trial(t, `redis://ada:pass@${place}`)
      t.strictSame([ofLimits, ofNotices], [[], []])
      await guarded.command('acl', 'setuser', 'ada', '-eval')
      t.match((await trial(t, `redis://ada:pass@${place}`)).ofLimits, [/: "NOPERM .*eval/])
    }
  )

  await t.test('a replica', async (t) => {
    const primary = await startRedis(t)
    const replica = await startRedis(t, [`replicaof 127.0.0.1 ${primary.port}`])
    const { ofLimits } = await trial(t, replica.url)
    t.strictSame(ofLimits, [`127.0.0.1:${replica.port} is a replica (READONLY): name the primary`])
  })

  await t.test('a node of a cluster, in one line however often keys of its own are served', async (t) => {
    const node = await startRedis(t, ['cluster-enabled yes', 'cluster-require-full-coverage no'])
    const other = await startRedis(t, ['cluster-enabled yes', 'cluster-require-full-coverage no'])
    await node.command('cluster', 'addslotsrange', '0', '8191')
    await other.command('cluster', 'addslotsrange', '8192', '16383')
    await node.command('cluster', 'meet', '127.0.0.1', String(other.port))
    await until(async () => String(await node.command('cluster', 'info')).includes('cluster_state:ok'))
    const { ofLimits, times } = await trial(t, node.url)
    t.match(ofLimits, [/is a node of a Redis Cluster, which is not supported \(MOVED\): name one server, or Sentinels/])
    t.equal(times, 1)
  })

  await t.test('nothing that answers', async (t) => {
    t.strictSame((await trial(t, 'redis://127.0.0.1:1')).ofNotices, ['127.0.0.1:1 refuses connections'])
    t.match((await trial(t, 'redis://no-such-host.invalid')).ofNotices, [
      /the host of no-such-host\.invalid:6379 is unknown/
    ])
  })
})
