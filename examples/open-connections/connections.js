import { PassThrough } from 'node:stream'
import websocket from '@fastify/websocket'

const firstMessageMilliseconds = 5000
const closeMilliseconds = 500

/**
 * Adds two connections that end with their session: `/socket`, a WebSocket, and `/events`, server-sent events. `app` has
 * Latchkey's plugin or its verifier.
 */
export async function addConnections(app) {
  // Tokens are shorter than this. By default a stranger could send messages of 100 MiB.
  await app.register(websocket, { options: { maxPayload: 16_384 } })

  app.get('/socket', { websocket: true }, (socket) => {
    const noToken = setTimeout(() => close(socket, 'missing_credentials'), firstMessageMilliseconds)
    socket.on('close', () => clearTimeout(noToken))
    socket.once('message', (first) => {
      clearTimeout(noToken)
      const watch = app.latchkey.whileSignedIn(String(first), { onEnd: (reason) => close(socket, reason) })
      socket.on('close', watch.stop)
      // Listen before anything is awaited: a message that nobody listens for is lost.
      socket.on('message', async (token) => (await watch.renew(String(token))) && send(socket, 'renewed'))
      watch.auth.then((auth) => auth && send(socket, `hello ${auth.userId}`))
    })
  })

  app.get('/events', { preHandler: app.latchkey.authenticate }, async (request, reply) => {
    const events = new PassThrough()
    const { stop } = app.latchkey.whileSignedIn(request, {
      onEnd: (reason) => events.end(`event: end\ndata: ${reason}\n\n`)
    })
    events.on('close', stop)
    events.write(`data: hello ${request.auth.userId}\n\n`)
    return reply.type('text/event-stream').send(events)
  })
}

function send(socket, text) {
  if (socket.readyState === socket.OPEN) socket.send(text)
}

/** Closes a socket, and cuts it off if the other side does not answer: `ws` alone would wait for 30 s. */
function close(socket, reason) {
  socket.close(4401, reason)
  const cut = setTimeout(() => socket.terminate(), closeMilliseconds)
  socket.once('close', () => clearTimeout(cut))
}
