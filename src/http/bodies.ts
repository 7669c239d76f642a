import type { Readable } from 'node:stream'
import { errorCodes, type FastifyRequest } from 'fastify'
import { repeatedName } from '../core/repeated-name.js'
import { Refused } from '../service/refused.js'
import type { Scope } from './context.js'

/** No request of ours needs more, whatever a host allows for its own routes. */
const bodyLimit = 64 * 1024

/**
 * Decides which bodies the scope reads: only JSON, also in a host that reads others, such as forms. An empty body is no
 * body, whatever its type says, and counts as `{}`. So a body without required members can be left out.
 */
export function readBodies(scope: Scope): void {
  const parseJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (request, body, done) => {
    void parseJson(request, body.toString(), done)
  })
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    const { 'content-type': type, 'transfer-encoding': encoding } = request.headers
    if (type === undefined && encoding === undefined) done()
    else requireBodyOfOneType(request, payload).then(() => done(), done)
  })
  scope.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {}
    done()
  })
}

/** Makes an empty body none. Fastify checks the type of any other, once this is sure that it is one. */
async function requireBodyOfOneType(request: FastifyRequest, payload: Readable): Promise<void> {
  const { 'content-type': type } = request.headers
  if (await isEmpty(request, payload)) request.headers = { 'content-type': undefined, 'transfer-encoding': undefined }
  // Fastify also removes other spaces around a type, such as the byte 0xA0, and browsers do not.
  else if (type !== undefined && /[^\t -~]/.test(type)) throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
}

/** The type of a JSON merge patch (RFC 7396 §4). */
export const mergePatchType = 'application/merge-patch+json'

/**
 * Makes the scope read JSON whose members can be stored as they are: no object may have a name twice, because one of the
 * two values would be lost. Refuses `null`, because Fastify would take it for a missing body.
 */
export function readDocuments(scope: Scope, types: readonly string[] = ['application/json']): void {
  const parseJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeContentTypeParser('application/json')
  scope.addContentTypeParser([...types], { parseAs: 'string', bodyLimit }, (request, body, done) => {
    const text = body.toString()
    void parseJson(request, text, (error, document) => {
      if (error !== null) return done(isJson(text) ? invalidBody('body', pollutes) : error)
      const repeated = repeatedName(text)
      if (repeated !== undefined) return done(invalidBody(repeated, 'must not be given twice'))
      done(document === null ? invalidBody('body', 'must be object') : null, document)
    })
  })
}

/** Lets the scope read merge patches, also under the type of JSON. */
export function readMergePatches(scope: Scope): void {
  readDocuments(scope, ['application/json', mergePatchType])
}

/** The only reason for which the parser refuses what is JSON. */
const pollutes = 'must have no member __proto__, and no member constructor with a prototype'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const invalidBody = (field: string, message: string) => new Refused('invalid_request', { errors: [{ field, message }] })

/** Without a length, as in a chunked body or over HTTP/2, only the first bytes or the end say whether the body is empty. */
async function isEmpty({ headers, raw }: FastifyRequest, payload: Readable): Promise<boolean> {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  const hasLength = length !== undefined || raw.httpVersionMajor < 2
  if (encoding === undefined && hasLength) return Number(length ?? 0) === 0
  await new Promise((resolve, reject) => {
    payload.once('readable', resolve).once('end', resolve).once('error', reject)
  })
  return payload.readableLength === 0
}
