import { performance } from 'node:perf_hooks'
import t from 'tap'
import { normalDelivery } from '../../../src/race-kit/plan/deliveries.js'
import { openFaultProxy } from '../../../src/race-kit/wire/fault-proxy.js'

t.test('clients that time out before they send anything do not delay the close of the proxy', async (t) => {
  const proxy = await openFaultProxy(() => performance.now())
  const request = Buffer.from('GET / HTTP/1.1\r\n\r\n')
  const route = { url: new URL('http://127.0.0.1:9'), delivery: normalDelivery, timeoutMilliseconds: 0 }
  const sent = Array.from({ length: 50 }, () => proxy.send(request, route))
  // All connections are requested, and then this process is busy until every client has timed out.
  await new Promise(process.nextTick)
  for (const until = performance.now() + 50; performance.now() < until; );
  // Once this request is accepted, all earlier ones are too.
  await proxy.send(request, { ...route, timeoutMilliseconds: 10_000 })
  for (const { received, result } of await Promise.all(sent)) {
    t.equal(received, undefined)
    t.equal((await result).deliveredAt, undefined)
  }
  await proxy.close()
})
