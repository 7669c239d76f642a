import '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import type { TSchema } from 'typebox'
import { problems } from './problem.js'
import { Problem } from './schemas/index.js'

/** A route as OpenAPI shows it and as it is validated: one description for both. */
export interface RouteDescription {
  readonly summary: string
  readonly description?: string
  /** The group in which the page shows the route. */
  readonly tag?: 'sessions' | 'account' | 'admin' | 'discovery' | 'health'
  /** The route stands behind `authenticate`. */
  readonly guarded?: boolean
  /** The route stands behind `serviceGuard`. */
  readonly forServices?: boolean
  /** The content types of the body, where it is not JSON. */
  readonly consumes?: string[]
  readonly body?: TSchema
  readonly querystring?: TSchema
  readonly params?: TSchema
  readonly headers?: TSchema
  readonly response: Readonly<Record<number, TSchema>>
  /** The codes of the problems that the route can answer with. */
  readonly problems?: readonly (keyof typeof problems)[]
}

/** Of every route to which a body may come, whether it asks for one or not. */
export const bodyProblems = ['invalid_request', 'body_too_large', 'unsupported_media_type'] as const
const serviceProblems = ['missing_credentials', 'invalid_credentials'] as const
const guardProblems = [
  'ambiguous_credentials',
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'session_revoked'
] as const

/** Makes Fastify's schema of a description: problems are grouped by their status. */
export function describe(route: RouteDescription): FastifySchema {
  const { summary, description, tag = 'sessions', guarded, forServices, response, problems: own = [], ...parts } = route
  const before = [
    ...(guarded ? guardProblems : []),
    ...(forServices ? serviceProblems : []),
    ...(parts.body ? bodyProblems : [])
  ]
  const codes = new Map<number, string[]>()
  for (const code of new Set([...before, ...own])) {
    const [status] = problems[code]
    codes.set(status, [...(codes.get(status) ?? []), code])
  }
  const refusals = [...codes].map(([status, names]) => [
    status,
    { description: names.join(', '), content: { 'application/problem+json': { schema: Problem } } }
  ])
  return {
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    ...(guarded && { security: [{ bearer: [] }, { session: [] }] }),
    ...(forServices && { security: [{ service: [] }] }),
    ...parts,
    response: { ...response, ...Object.fromEntries(refusals) },
    // From the specification of a host, which may be of another version and knows no credential of ours. Ours shows it.
    hide: true
  }
}
