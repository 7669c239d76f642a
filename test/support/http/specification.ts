import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'

/** The parts of /openapi.json that tests check. */
export interface Specification {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly components: { readonly securitySchemes: Record<string, object>; readonly schemas: object }
  readonly paths: Record<string, Record<string, Operation>>
}

export interface Operation {
  readonly summary: string
  readonly tags: readonly string[]
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: object }> }
  >
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: object
}

export interface NamedOperation {
  readonly path: string
  readonly method: string
  readonly name: string
  readonly operation: Operation
}

export async function specificationOf(app: FastifyInstance): Promise<Specification> {
  return (await app.inject('/openapi.json')).json<Specification>()
}

export function operationsOf({ paths }: Specification): NamedOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method,
      name: `${method.toUpperCase()} ${path}`,
      operation
    }))
  )
}

export const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)

/** How a response differs from the operation's description; undefined if it fits. */
export function mismatchOf(operation: Operation | undefined, response: LightMyRequestResponse): string | undefined {
  const { statusCode, body, headers } = response
  const described = operation?.responses[statusCode]
  if (described === undefined) return `${statusCode} is not described`
  if (described.content === undefined) return body === '' ? undefined : `${statusCode} has a body`
  const type = String(headers['content-type']).split(';')[0] ?? ''
  const schema = described.content?.[type]?.schema
  if (schema === undefined) return `${type} is not described for ${statusCode}`
  const fits = validatorOf(schema)
  if (!fits(type.endsWith('json') ? response.json() : body)) return `${statusCode}: ${ajv.errorsText(fits.errors)}`
  if (statusCode < 400) return undefined
  // A problem, or an error of POST /token (RFC 6749 §5.2).
  const { error, code = error } = response.json()
  return described.description.split(', ').includes(code) ? undefined : `${code} is not described for ${statusCode}`
}

const validators = new WeakMap<object, ValidateFunction>()

function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema)
  if (known !== undefined) return known
  const made = ajv.compile(closed(schema) as object)
  validators.set(schema, made)
  return made
}

/** The schema, with unknown members forbidden where it does not allow them itself. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return 'properties' in schema ? { additionalProperties: false, ...copy } : copy
}
