import type { Readable } from 'node:stream'
import { errorCodes, type FastifyRequest } from 'fastify'
import type { Scope } from './context.js'

/**
 * Decides which bodies the scope reads. An empty body is no body, whatever its type says, and counts as `{}`. So a body
 * without required members can be left out.
 */
export function readBodies(scope: Scope): void {
  const parseJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeContentTypeParser(['application/json', 'text/plain'])
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    void parseJson(request, body.toString(), done)
  })
  scope.addHook('preParsing', async (request, _reply, payload) => {
    const { 'content-type': type, 'transfer-encoding': encoding } = request.headers
    if (type === undefined && encoding === undefined) return
    if (await isEmpty(request, payload)) request.headers = { 'content-type': undefined, 'transfer-encoding': undefined }
    // Fastify also removes other spaces around a type, such as the byte 0xA0, and browsers do not.
    else if (type !== undefined && /[^\t -~]/.test(type)) throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
  })
  scope.addHook('preValidation', async (request) => {
    request.body ??= {}
  })
}

/** The length of a chunked body is only known when its first bytes, or its end, have arrived. */
async function isEmpty({ headers }: FastifyRequest, payload: Readable): Promise<boolean> {
  if (headers['transfer-encoding'] === undefined) return Number(headers['content-length'] ?? 0) === 0
  await new Promise((resolve, reject) => {
    payload.once('readable', resolve).once('end', resolve).once('error', reject)
  })
  return payload.readableLength === 0
}
