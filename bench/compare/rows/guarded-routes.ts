import type { Bench, Row } from '../bench.js'
import { bearer, getting, repeating, type SignedIn, signUp } from '../clients.js'
import type { Contender } from '../measure.js'
import { handWrittenRoute, sessionLookups } from './peers.js'

const credential = { id: 'bench', secret: 's'.repeat(32) }
const serviceCredentials = [`${credential.id}:${credential.secret}`]

/** Requests that change nothing. */
export const guardedRoutes: readonly Row[] = [
  {
    title: 'guarded route, plugin',
    async contenders(bench) {
      const latchkey = await bench.latchkey()
      const people = await signUp(latchkey, bench.maxConnections, 'body')
      return [
        await bareRoute(bench, bearers(people)),
        {
          name: 'Latchkey',
          servers: [latchkey],
          clients: bearers(people).map((headers) => getting('/guarded', headers))
        },
        ...(await handWrittenRoute(bench, '/guarded'))
      ]
    }
  },
  {
    title: 'guarded route, verifier',
    async contenders(bench) {
      const latchkey = await bench.latchkey({ serviceCredentials })
      const people = await signUp(latchkey, bench.maxConnections, 'body')
      const url = `http://127.0.0.1:${latchkey.port}`
      return [
        await bareRoute(bench, bearers(people)),
        {
          name: 'Latchkey',
          servers: [await bench.start('verifier', [url, credential.id, credential.secret])],
          clients: bearers(people).map((headers) => getting('/guarded', headers))
        }
      ]
    }
  },
  {
    title: 'guarded route, session mode',
    async contenders(bench) {
      const latchkey = await bench.latchkey()
      const people = await signUp(latchkey, bench.maxConnections, 'session')
      return [
        await bareRoute(
          bench,
          people.map(({ cookie }) => cookie)
        ),
        { name: 'Latchkey', servers: [latchkey], clients: people.map(({ cookie }) => getting('/guarded', cookie)) },
        ...(await sessionLookups(bench))
      ]
    }
  },
  {
    title: 'GET /me',
    async contenders(bench) {
      const latchkey = await bench.latchkey()
      const people = await signUp(latchkey, bench.maxConnections, 'body')
      return [
        await bareRoute(bench, bearers(people)),
        { name: 'Latchkey', servers: [latchkey], clients: bearers(people).map((headers) => getting('/me', headers)) },
        ...(await handWrittenRoute(bench, '/me'))
      ]
    }
  },
  {
    title: 'POST /introspect',
    async contenders(bench) {
      const latchkey = await bench.latchkey({ serviceCredentials })
      const people = await signUp(latchkey, bench.maxConnections, 'body')
      const basic = Buffer.from(`${credential.id}:${credential.secret}`).toString('base64')
      const introspecting = (token: string) =>
        repeating({
          method: 'POST',
          path: '/introspect',
          headers: `authorization: Basic ${basic}\r\n`,
          type: 'application/x-www-form-urlencoded',
          body: `token=${token}`
        })
      return [
        await bareRoute(bench, bearers(people)),
        {
          name: 'Latchkey, access token',
          servers: [latchkey],
          clients: people.map(({ access }) => introspecting(access))
        },
        {
          name: 'Latchkey, refresh token',
          servers: [latchkey],
          clients: people.map(({ refresh }) => introspecting(refresh))
        }
      ]
    }
  }
]

/** The same requests, with their headers, to a route without a guard. */
async function bareRoute(bench: Bench, headers: readonly string[]): Promise<Contender> {
  return {
    name: 'limit: bare route',
    servers: [await bench.limit()],
    clients: headers.map((lines) => getting('/open', lines))
  }
}

function bearers(people: readonly SignedIn[]): readonly string[] {
  return people.map(({ access }) => bearer(access))
}
