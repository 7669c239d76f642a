import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IssuerAddresses } from '../core/issuer-addresses.js'
import type { Ports } from '../ports/index.js'
import type { SerializeCookie } from './cookies/serializer.js'
import type { HttpSettings } from './settings.js'

/** What every route receives. */
export interface HttpContext {
  readonly ports: Ports
  readonly settings: HttpSettings
  readonly serializeCookie: SerializeCookie
  /** The addresses of the service as clients see them. */
  readonly addresses: IssuerAddresses
  /** The address of docs/errors.md: the beginning of every problem's `type`. */
  readonly errorsUrl: string
}

const contexts = new WeakMap<object, HttpContext>()

/** Remembers the context of an `app.latchkey`, for `contextOf`. */
export function rememberContext(members: object, context: HttpContext): void {
  contexts.set(members, context)
}

/** The context of an `app.latchkey`, for `latchkey/testing`. Only code that holds the object gets it. */
export function contextOf(members: object): HttpContext | undefined {
  return contexts.get(members)
}

/** A Fastify instance whose handlers are typed by their schemas. */
export type Scope = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Adds the routes of one resource to a scope. */
export type Routes = (scope: Scope, context: HttpContext) => void
