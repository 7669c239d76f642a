import { performance } from 'node:perf_hooks'
import t from 'tap'
import { normalDelivery } from '../../src/race-kit/delivery.js'
import { openFaultProxy } from '../../src/race-kit/fault-proxy.js'

t.test('clients that give up before they have sent anything do not hold up its close', async (t) => {
  const proxy = await openFaultProxy(() => performance.now())
  const request = Buffer.from('GET / HTTP/1.1\r\n\r\n')
  const route = { url: new URL('http://127.0.0.1:9'), delivery: normalDelivery, timeoutMilliseconds: 0 }
  const sent = Array.from({ length: 50 }, () => proxy.send(request, route))
  // Each connection is asked for, and then this process is busy for longer than any of them waits.
  await new Promise(process.nextTick)
  for (const until = performance.now() + 50; performance.now() < until; );
  // Where this one has been taken up, so have those before it.
  await proxy.send(request, { ...route, timeoutMilliseconds: 10_000 })
  for (const { received: heard, result: carried } of await Promise.all(sent)) {
    t.equal(heard, undefined)
    t.equal((await carried).deliveredAt, undefined)
  }
  await proxy.close()
})
