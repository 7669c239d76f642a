import type {} from '@fastify/swagger'
import type { FastifySchema, RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { type ProblemCode, problems } from '../core/problems.js'
import type { Scope } from './context.js'
import { Problem } from './schemas/problem.js'
import { TokenError } from './schemas/services/token.js'

type ResponseSchema =
  | TSchema
  | { readonly description: string; readonly content: Readonly<Record<string, { readonly schema: TSchema }>> }

/** A route, described once: requests are validated by it, the handler is typed by it, and /openapi.json shows it. */
interface RouteDescription {
  readonly summary: string
  readonly description?: string
  /** The group in which /docs shows the route; `sessions` by default. */
  readonly tag?: 'sessions' | 'account' | 'admin' | 'clients' | 'discovery' | 'health'
  /** The content types of the body, if it is not JSON. */
  readonly consumes?: readonly string[]
  readonly body?: TSchema
  readonly querystring?: TSchema
  readonly params?: TSchema
  readonly headers?: TSchema
  /** The successful responses by status. */
  readonly response: Readonly<Record<number, ResponseSchema>>
  /** The codes of problems that the handler itself can answer with. */
  readonly problems?: readonly ProblemCode[]
  /** Set if the settings make the handler refuse every request: the only codes that it then answers with. */
  readonly onlyProblems?: readonly ProblemCode[] | undefined
  /** The security schemes of the specification; a request needs one of them. */
  readonly security?: NonNullable<FastifySchema['security']>
  /** Whether 400 and 401 are answered as RFC 6749 §5.2 has them, and not as problems. */
  readonly answersTokenErrors?: true
}

/** What a guard adds to the description of every route of its scope. */
interface GuardDescription extends Pick<RouteDescription, 'tag' | 'problems' | 'security'> {
  /** Codes that the guard answers only to requests that change something. */
  readonly problemsOfChanges?: readonly ProblemCode[]
}

/** The options of a route. A host's own specification does not show the route: it would lack our security schemes. */
export function describe<const Route extends RouteDescription>(route: Route) {
  return { schema: { ...route, hide: true } } as const
}

/** Adds a guard's credentials and problems to the description of every route that the scope registers from now on. */
export function describeGuard(scope: Scope, guard: GuardDescription): void {
  scope.addHook('onRoute', (route) => {
    const described = (route.schema ?? {}) as Partial<RouteDescription>
    const { problems = [], problemsOfChanges = [], ...common } = guard
    const ofMethod = route.method === 'GET' ? [] : problemsOfChanges
    const schema: Partial<RouteDescription & GuardDescription> = {
      ...described,
      ...common,
      problems: [...problems, ...ofMethod, ...(described.problems ?? [])]
    }
    route.schema = schema
  })
}

/** The route as @fastify/swagger shows it, with its problems grouped by status. Routes without a summary are hidden. */
export function openapiSchema(route: RouteOptions): FastifySchema {
  const described = (route.schema ?? {}) as Partial<RouteDescription & GuardDescription>
  const { tag = 'sessions', security, problems: usual = [], onlyProblems: own = usual, response, ...rest } = described
  const { answersTokenErrors = false, ...parts } = rest
  const codes = new Map<number, Set<ProblemCode>>()
  for (const code of [...own, ...validationProblems(route, described)]) {
    const [status] = problems[code]
    codes.set(status, (codes.get(status) ?? new Set()).add(code))
  }
  const refusals = [...codes].map(([status, names]) => [
    status,
    {
      description: [...names].join(', '),
      content:
        answersTokenErrors && status <= 401
          ? { 'application/json': { schema: TokenError } }
          : { 'application/problem+json': { schema: Problem } }
    }
  ])
  return {
    ...parts,
    tags: [tag],
    ...(security && { security }),
    response: { ...(own === usual && response), ...Object.fromEntries(refusals) },
    hide: parts.summary === undefined
  }
}

/** The problems that a route has because of its method and its schemas. */
function validationProblems(route: RouteOptions, described: Partial<RouteDescription & GuardDescription>) {
  const { querystring, headers, params, security } = described
  const isWrite = route.method !== 'GET'
  const codes: ProblemCode[] = []
  if (isWrite) codes.push('invalid_request', 'body_too_large', 'unsupported_media_type')
  if (isWrite && security?.some((scheme) => 'session' in scheme)) codes.push('forbidden_origin')
  if (querystring || headers) codes.push('invalid_request')
  if (params) codes.push('not_found')
  return codes
}
