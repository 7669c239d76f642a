import type { FastifyInstance } from 'fastify'

/** Listens on any free port, tells it to the parent process, and ends with that process. */
export async function serve(app: FastifyInstance): Promise<void> {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  process.send?.(Number(new URL(address).port))
  process.on('disconnect', () => process.exit())
}
