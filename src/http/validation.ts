import { Ajv, type Options } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'

const options: Options = { allErrors: true, useDefaults: true, removeAdditional: false, strict: false }
/** A body says what it means: a number is no string (a host's own validator may think otherwise). */
const bodies = new Ajv({ ...options, coerceTypes: false })
/** In an address or a header everything is text. */
const texts = new Ajv({ ...options, coerceTypes: true })
addFormats.default(bodies)
addFormats.default(texts)

const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? bodies : texts).compile(schema)

/**
 * Sets how requests are read and responses written in this scope, whatever a host has set for its
 * own. A body may be left out where nothing in it is required: it is read as `{}`, also where a
 * client sends a JSON content type with nothing behind it.
 */
export function setStrictValidation(app: FastifyInstance): void {
  app.setValidatorCompiler(compile)
  // Responses are made member by member in typed views; their schemas are there to describe them.
  app.setSerializerCompiler(() => JSON.stringify)
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {})
    else void parseJson(request, body.toString(), done)
  })
  app.addHook('preValidation', async (request) => {
    request.body ??= {}
  })
}
