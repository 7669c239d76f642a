import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyPluginCallback,
  type RawServerBase
} from 'fastify'
import latchkey, {
  buildApp,
  type Config,
  ConfigError,
  createConfig,
  type Guard,
  type LatchkeyOptions,
  loadConfig,
  type Overrides,
  Refused,
  type Session
} from 'latchkey'
import { race } from 'latchkey/testing'

/** Routes in plugins of the host, typed as Fastify types them. */
export const withPromise: FastifyPluginAsync = async (app) => {
  const guards: Guard[] = [app.latchkey.authenticate, app.latchkey.requireRole('admin')]
  app.get('/promise', { preHandler: guards }, async (request) => request.auth.amr)
}

export const withCallback: FastifyPluginCallback<{ role: string }> = (app, { role }, done) => {
  app.get('/callback', { onRequest: app.latchkey.authenticate, preHandler: app.latchkey.requireRole(role) }, () => 'ok')
  done()
}

/** A function for apps of any server. */
export function setUp<Server extends RawServerBase>(app: FastifyInstance<Server>, options: LatchkeyOptions) {
  app.register(latchkey, options)
  app.register(latchkey, () => options)
}

export async function withEverything(): Promise<void> {
  const app = Fastify()
  app.register(import('latchkey'), { issuer: 'http://localhost:8080' })
  app.register(withPromise).register(withCallback, { role: 'admin' })
  const sessions: readonly Session[] = await app.latchkey.sessions.sessionsOfUser('a-user')
  console.log(sessions.map(({ id }) => id))
}

/** The other exports. */
export async function serve(overrides: Overrides): Promise<FastifyInstance> {
  try {
    const config: Config = createConfig({ issuer: 'http://localhost:3000', modes: ['cookie'] })
    const ttl: number = config.accessTokenTtlSeconds
    // @ts-expect-error the modes are a closed list
    config.modes.includes('token')
    console.log(ttl, loadConfig(process.env).issuer, race)
    return await buildApp(config, overrides)
  } catch (error) {
    if (error instanceof ConfigError) console.error(error.problems.join('\n'))
    if (error instanceof Refused) console.error(error.code)
    throw error
  }
}

// @ts-expect-error a duration is a number of seconds
export const textDuration: LatchkeyOptions = { issuer: 'http://localhost:8080', accessTokenTtlSeconds: '300' }
// @ts-expect-error there is no such option
export const unknownOption: LatchkeyOptions = { issuer: 'http://localhost:8080', accessTtl: 300 }
