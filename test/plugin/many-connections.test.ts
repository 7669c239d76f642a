// Runs in a process of its own: it needs a file descriptor for each of 10,000 connections.
import t from 'tap'
import { openTestDatabase } from '../support/database.js'
import { openStreamingHost } from '../support/plugin/streaming-host.js'
import { openStreams, possibleConnections } from '../support/processes/open-streams.js'
import { processTestMilliseconds } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const wanted = 10_000
const count = possibleConnections(wanted)
if (count < wanted) t.comment(`${count} connections instead of ${wanted}: \`ulimit -n\` allows no more.`)

t.test(
  '10,000 open connections close when all sessions end, each once, and requests are answered meanwhile',
  async (t) => {
    const host = await openStreamingHost(t, await openTestDatabase(t, { kind: 'embedded' }))
    const streams = await openStreams(t, { port: host.port, path: '/events', tokens: await host.tokens(count) })
    t.equal(await host.openConnections(), count)

    // The end of everybody's sessions spares what was issued later.
    const [spared] = await host.tokens(1, { iat: host.iat + 600 })
    const headers = { authorization: `Bearer ${spared}` }
    const ask = async () => (await fetch(`http://127.0.0.1:${host.port}/guarded`, { headers })).status
    await host.app.latchkey.sessions.endEverybodysSessions()
    const answers: number[] = []
    while (host.ends.some((reasons) => reasons.length === 0)) answers.push(await ask())
    t.ok(answers.length > 0)
    t.strictSame([...new Set(answers)], [200], 'guarded requests of another session are served meanwhile')

    await streams.ended
    t.equal(host.ends.length, count)
    t.strictSame(
      host.ends.filter((reasons) => reasons.join() !== 'revoked_by_admin'),
      [],
      'each is called once'
    )
    t.equal(await host.openConnections(), 0)
  }
)
